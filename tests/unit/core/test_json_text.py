"""JSON that Python's parser takes and nothing else can, or that it fails on, is refused in one line."""

import json

import pytest

from vlbench.core.errors import CardError, DataError
from vlbench.core.json_text import parsed_json


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[" * 100_000, "it nests too deeply"),
        ('{"a":' * 100_000, "it nests too deeply"),
        ('{"a": 1, "b": 2, "a": 1}', "the key 'a' stands twice"),
        ('{"a": ["x", {"b": "\\ud800"}]}', "'.*ud800' holds half a character"),
        ('{"\\uDFFF": 1}', "holds half a character"),
        ('["a\\u0000/b.png"]', "'a.x00/b.png' holds a NUL"),
        ("9" * 5000, "a number of thousands of digits"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        ("", "Expecting value: line 1 column 1"),
        ('{"a": 1} {', "Extra data"),
    ],
)
def test_what_no_json_is_is_the_callers_error(text: str | bytes, told: str) -> None:
    with pytest.raises(CardError, match=rf"^a\.json:3: not JSON \(.*{told}.*\); mend it$") as caught:
        parsed_json(text, "a.json:3", "mend it", error=CardError)
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match=r"^not JSON"):
        parsed_json(text)


def test_whole_characters_stand_however_they_are_written() -> None:
    said = {"😀": ["\\ud800 and \\u0000 are words", "é"]}
    for escaped in (True, False):
        assert parsed_json(json.dumps(said, ensure_ascii=escaped)) == said
    assert parsed_json("\ufeff[1]".encode()) == [1]


def test_what_is_no_number_is_no_value() -> None:
    assert parsed_json('[NaN, Infinity, -Infinity, {"a": NaN}]') == [None, None, None, {"a": None}]


def test_an_object_may_be_its_pairs_in_which_a_key_may_stand_twice() -> None:
    assert parsed_json('{"a": 1, "a": 2}', objects=list) == [("a", 1), ("a", 2)]
    with pytest.raises(DataError, match="half a character"):
        parsed_json('{"a": "\\ud8ff"}', objects=tuple)
