"""What a library raises for a wrong text becomes one line that says where."""

from pathlib import Path

import pytest

from vlbench.core.errors import DataError
from vlbench.datasets.readers.text_records import csv_rows, json_lines, parse_json

FILE = Path("data.txt")


def test_json_that_nests_too_deeply_is_refused() -> None:
    with pytest.raises(DataError, match=r"data\.json: not JSON \(.*recursion"):
        parse_json("[" * 100_000, "data.json")


def test_lines_are_counted_with_the_blank_ones() -> None:
    assert list(json_lines('1\n\n{"a": 2}\n\n', FILE)) == [("data.txt:1", 1), ("data.txt:3", {"a": 2})]
    with pytest.raises(DataError, match=r"data\.txt:2: not JSON"):
        list(json_lines("1\n{\n", FILE))


def test_a_row_is_named_by_the_line_where_it_ends() -> None:
    assert list(csv_rows('a,b\r\n\r\n"1\n2",3\r\n', FILE)) == [
        ("data.txt:1", ["a", "b"]),
        ("data.txt:4", ["1\n2", "3"]),
    ]
    with pytest.raises(DataError, match=r"data\.txt:2: no CSV \(field larger"):
        list(csv_rows(f"a\n{'x' * 200_000}\n", FILE))
