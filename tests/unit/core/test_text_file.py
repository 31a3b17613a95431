from pathlib import Path

import pytest

from vlbench.core.errors import CardError, DataError
from vlbench.core.text_file import named_missing, read_lines, read_text, rows_of


def test_lines_end_at_newlines_alone_and_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffa\u2028b\r\n\nc\n\n".encode())
    assert read_lines(path) == ["a\u2028b", "", "c", ""]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "a.txt: no such file; correct the name"),
        (b"a\xff", "a.txt: not UTF-8 at byte 1; save it as UTF-8"),
        (b"", "a.txt: is empty; write a line for each"),
    ],
)
def test_what_cannot_be_read_is_the_callers_error(tmp_path: Path, content: bytes | None, told: str) -> None:
    path = tmp_path / "a.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CardError, match=told):
        read_lines(path, CardError)


def test_a_folder_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot be read .*; name a file that can"):
        read_text(tmp_path)


def test_rows_are_as_long_as_the_header() -> None:
    assert rows_of(["name\tid", "a\t"], "x.tsv") == [["name", "id"], ["a", ""]]
    with pytest.raises(DataError, match=r"x.tsv: line 2: 1 columns where the header has 2"):
        rows_of(["name\tid", "a"], "x.tsv")


def test_the_first_missing_names_are_named() -> None:
    assert (
        named_missing(["cat", "b", "c", "d"], ["cart"]) == "'cat' (did you mean 'cart'?), 'b', 'c' and 1 more"
    )
    assert named_missing(["cat"], ["zebra"]) == "'cat'"
