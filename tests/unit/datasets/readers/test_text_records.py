"""What a library raises for a wrong text becomes one line that says where."""

from pathlib import Path

import pytest

from vlbench.core.errors import DataError
from vlbench.datasets.readers.text_records import json_lines

FILE = Path("data.txt")


def test_lines_are_counted_with_the_blank_ones() -> None:
    assert list(json_lines('1\n\n{"a": 2}\n\n', FILE)) == [("data.txt:1", 1), ("data.txt:3", {"a": 2})]
    with pytest.raises(DataError, match=r"data\.txt:2: not JSON"):
        list(json_lines("1\n{\n", FILE))
