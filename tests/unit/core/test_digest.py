import hashlib
import importlib
from functools import partial
from types import MappingProxyType

import pytest

from vlbench.core.digest import HEX, digest_of, digest_of_code, digest_of_strings, sha256_of_file


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


def test_a_changed_formula_changes_the_digest_of_its_code(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "formula_under_test.py"
    path.write_text("def area(x):\n    return x * x\n\n\ndef other(x):\n    return x\n")
    module = importlib.import_module("formula_under_test")
    before = digest_of_code(module.area)
    assert digest_of_code(module.area, module.other) == before
    assert digest_of_code(partial(partial(module.area, 2), 3)) == before
    path.write_text(path.read_text().replace("x * x", "x * x * x"))
    assert digest_of_code(module.area) != before


def test_a_module_of_a_package_stands_for_the_modules_it_may_call(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    package = tmp_path / "formulas_under_test"
    package.mkdir()
    for name in ("__init__", "area", "shared"):
        (package / f"{name}.py").write_text("def area():\n    return 1\n")
    module = importlib.import_module("formulas_under_test.area")
    before = digest_of_code(module.area)
    (package / "shared.py").write_text("def area():\n    return 2\n")
    assert digest_of_code(module.area) != before
