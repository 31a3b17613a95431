"""Text files that others write: UTF-8, lines, JSON, tables, and hints where a name is misspelt."""

import csv
import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

from vlbench.core.errors import DataError, VlbenchError
from vlbench.core.files import shown
from vlbench.core.json_text import parsed_json
from vlbench.core.regular_file import open_regular

Record = tuple[str, dict[str, str]]
"""A place, and the cells of its row by column."""
COMPRESSED = ".gz"
_LEAST_LIMIT, _MOST_TIMES = 2**26, 100
"""Bytes that a packed text may always have, and how many times its own size else: zeros have 1,030 times."""


def read_text(
    path: Path,
    error: type[VlbenchError] = DataError,
    *,
    newline: str | None = None,
    missing: str = "correct the name",
) -> str:
    """The text of a file, with or without a byte order mark; one that ends in `.gz` is unpacked.

    `newline` is that of `open`: all are newlines unless it is empty. `missing` says what to do where there
    is no such file.

    Raises:
        VlbenchError: as `error`: it cannot be read or unpacked, or is not UTF-8.
    """
    try:
        if path.suffix != COMPRESSED:
            with TextIOWrapper(open_regular(path), encoding="utf-8-sig", newline=newline) as text:
                return text.read()
        return StringIO(unpacked(path, error).decode("utf-8-sig"), newline).read()
    except UnicodeDecodeError as wrong:
        raise error(f"{shown(path)}: not UTF-8 at byte {wrong.start}; save it as UTF-8") from wrong
    except FileNotFoundError as wrong:
        raise error(f"{shown(path)}: no such file; {missing}") from wrong
    except (OSError, EOFError, zlib.error) as wrong:
        reason = getattr(wrong, "strerror", None) or wrong
        raise error(f"{shown(path)}: cannot be read ({reason}); fetch it again, or name another") from wrong


def unpacked(path: Path, error: type[VlbenchError] = DataError) -> bytes:
    """The bytes that gzip packed into a file.

    Raises:
        VlbenchError: as `error`: they are far more than the file has.
        OSError, EOFError, zlib.error: it cannot be read or unpacked.
    """
    with open_regular(path) as file:
        most = max(_LEAST_LIMIT, _MOST_TIMES * path.stat().st_size)
        with gzip.open(file) as packed:
            data = packed.read(most + 1)
    if len(data) > most:
        raise error(f"{shown(path)}: unpacks to more than {most:,} bytes; unpack it yourself")
    return data


def read_json(path: Path, error: type[VlbenchError] = DataError, mend: str = "correct it") -> Any:
    """What a file of JSON says; `mend` says what to do where it is none, or is not there.

    Raises:
        VlbenchError: as `error`: it cannot be read, or is no JSON.
    """
    return parsed_json(read_text(path, error, missing=mend), shown(path), mend, error=error)


def csv_rows(
    text: str, where: str, mend: str = "fetch it again", *, error: type[VlbenchError] = DataError
) -> Iterator[tuple[int, list[str]]]:
    """The cells of each row of a CSV that is not empty, behind the number of the line where it ends.

    Raises:
        VlbenchError: as `error`: a row that is no CSV, or too long; the line is named.
    """
    rows = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        for cells in rows:
            if any("\0" in cell for cell in cells):
                raise csv.Error("it holds a NUL")
            if cells:
                yield rows.line_num, cells
    except csv.Error as wrong:
        raise error(f"{where}: line {rows.line_num}: no CSV ({wrong}); {mend}") from wrong


def read_lines(path: Path, error: type[VlbenchError] = DataError) -> list[str]:
    """The lines of a file, split at newlines alone, without the last empty one; a blank one may be a name.

    Raises:
        VlbenchError: as `error`: it cannot be read, is not UTF-8, or is empty.
    """
    text = read_text(path, error)
    if not text:
        raise error(f"{shown(path)}: is empty; write a line for each")
    return text.removesuffix("\n").split("\n")


def csv_records(text: str, where: str, mend: str = "fetch it again") -> tuple[list[str], Iterator[Record]]:
    """The header of a CSV, none where it is empty; and each row by column, behind its place.

    Raises:
        DataError: as of `csv_rows`; the header names a column twice, where the last of two cells would win;
            or a row has more or fewer cells.
    """
    rows = csv_rows(text, where, mend)
    _, head = next(rows, (1, []))
    if doubled := [name for at, name in enumerate(head) if name in head[:at]]:
        raise DataError(f"{where}: line 1 names the column {doubled[0]!r} twice; keep one of them")

    def records() -> Iterator[Record]:
        for line, cells in rows:
            place = f"{where}: line {line}"
            if len(cells) != len(head):
                raise DataError(f"{place}: {len(cells)} columns where the header has {len(head)}; {mend}")
            yield place, dict(zip(head, cells, strict=True))

    return head, records()


def rows_of(lines: Iterable[str], where: str, error: type[VlbenchError] = DataError) -> list[list[str]]:
    """The cells of tab-separated lines; the first row is the header.

    Raises:
        VlbenchError: as `error`: a line has more or fewer columns than the header.
    """
    rows = [line.split("\t") for line in lines]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise error(f"{where}: line {number}: {len(row)} columns where the header has {len(rows[0])}")
    return rows


def named_missing(missing: Sequence[str], known: Iterable[str], *, shown_names: int = 3) -> str:
    """The first of some missing names, the closest known name for the first of them, and how many more there
    are.

    >>> named_missing(["cat", "cow", "dog"], ["cart"], shown_names=1)
    "'cat' (did you mean 'cart'?) and 2 more"
    """
    close = get_close_matches(missing[0], list(known), n=1, cutoff=0.6)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    rest = "".join(f", {name!r}" for name in missing[1:shown_names])
    more = f" and {len(missing) - shown_names} more" if len(missing) > shown_names else ""
    return f"{missing[0]!r}{hint}{rest}{more}"
