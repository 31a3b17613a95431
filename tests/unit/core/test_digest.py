import hashlib
from types import MappingProxyType

import pytest

from vlbench.core.digest import HEX, digest_of, digest_of_strings, sha256_of_file


def test_a_digest_is_the_same_for_ever():
    # The first 128 bits of BLAKE2b of the value's JSON; a change would orphan every stored feature.
    expected = hashlib.blake2b(b'{"a":[1,null],"b":"\xc3\xa9"}', digest_size=16).hexdigest()
    assert digest_of({"b": "é", "a": (1, None)}) == expected
    assert len(expected) == HEX


def test_mappings_of_every_type_and_order_agree():
    assert digest_of(MappingProxyType({"a": 1, "b": 2})) == digest_of({"b": 2, "a": 1})


@pytest.mark.parametrize(
    ("one", "other"),
    [([1, 2], [2, 1]), (["ab"], ["a", "b"]), (1, "1"), (1, True), (None, ""), ({"a": None}, {})],
)
def test_different_values_differ(one, other):
    assert digest_of(one) != digest_of(other)


def test_a_value_without_a_plain_form_is_refused():
    with pytest.raises(TypeError, match="object has no digest"):
        digest_of([object()])


@pytest.mark.parametrize(
    ("one", "other"), [(["ab", "c"], ["a", "bc"]), (["a", "b"], ["b", "a"]), ([], [""]), (["é"], ["e"])]
)
def test_strings_keep_their_borders_and_order(one, other):
    assert digest_of_strings(one) != digest_of_strings(other)
    assert digest_of_strings(iter(one)) == digest_of_strings(one)


def test_a_file_has_its_published_sha256(tmp_path):
    (tmp_path / "f").write_bytes(b"abc")  # the example of FIPS 180-2, appendix B.1
    assert sha256_of_file(tmp_path / "f") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
