import gzip
from contextlib import suppress
from pathlib import Path

import pytest

from vlbench.core.errors import CardError, DataError
from vlbench.core.text_file import csv_rows, named_missing, read_json, read_lines, read_text, rows_of


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
    with pytest.raises(
        DataError, match=r"cannot be read \(it is a folder and no file\); fetch it again, or name another"
    ):
        read_text(tmp_path)


def test_a_packed_text_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress("\ufeffé\r\nb\u2028c".encode()))
    assert read_text(tmp_path / "a.txt.gz") == "é\nb\u2028c"
    assert read_text(tmp_path / "a.txt.gz", newline="") == "é\r\nb\u2028c"


def test_a_damaged_packed_text_is_the_callers_error(tmp_path: Path) -> None:
    path, whole = tmp_path / "a.csv.gz", gzip.compress(b"image,tag\n" * 99)
    for at in range(len(whole)):
        for damaged in (whole[:at], whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :]):
            path.write_bytes(damaged)
            with suppress(CardError):  # a header's date may be any
                read_text(path, CardError)
    path.write_bytes(whole[:30])
    with pytest.raises(
        CardError, match=r"a\.csv\.gz: cannot be read \(Compressed file ended .*\); fetch it again"
    ):
        read_text(path, CardError)


def test_a_packed_text_is_no_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlbench.core.text_file._LEAST_LIMIT", 1000)
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(bytes(1000)))
    assert len(read_text(path)) == 1000
    path.write_bytes(gzip.compress(bytes(100_000)))
    with pytest.raises(
        DataError, match=r"a\.txt\.gz: unpacks to more than [0-9,]+ bytes; unpack it yourself"
    ):
        read_text(path)


def test_a_file_of_json_is_named_where_it_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(CardError, match=r"a\.json: no such file; write it$"):
        read_json(path, CardError, "write it")
    path.write_bytes(b"\xef\xbb\xbf[1]")
    assert read_json(path) == [1]
    path.write_text("[")
    with pytest.raises(DataError, match=r"a\.json: not JSON \(.*\); correct it$"):
        read_json(path)


def test_a_row_of_a_csv_is_named_by_the_line_where_it_ends() -> None:
    assert list(csv_rows('a,b\r\n\r\n"1\n2",3\u2028\r\n', "a.csv")) == [
        (1, ["a", "b"]),
        (4, ["1\n2", "3\u2028"]),
    ]


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ("x" * 200_000, "line 2: no CSV .field larger than field limit"),
        ('"b"c', "line 2: no CSV .',' expected after '\"'"),
        ('"b\n\nc', "line 4: no CSV .unexpected end of data"),
        ("b\0", "line 2: no CSV .it holds a NUL"),
    ],
)
def test_what_is_no_csv_is_the_callers_error(cells: str, told: str) -> None:
    with pytest.raises(CardError, match=rf"^a\.csv: {told}.*\); mend it$"):
        list(csv_rows(f"a\n{cells}\n", "a.csv", "mend it", error=CardError))


def test_rows_are_as_long_as_the_header() -> None:
    assert rows_of(["name\tid", "a\t"], "x.tsv") == [["name", "id"], ["a", ""]]
    with pytest.raises(DataError, match=r"x.tsv: line 2: 1 columns where the header has 2"):
        rows_of(["name\tid", "a"], "x.tsv")


def test_the_first_missing_names_are_named() -> None:
    assert (
        named_missing(["cat", "b", "c", "d"], ["cart"]) == "'cat' (did you mean 'cart'?), 'b', 'c' and 1 more"
    )
    assert named_missing(["cat"], ["zebra"]) == "'cat'"
