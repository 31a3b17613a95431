"""What stands in text files of data: lines, JSON and tables, refused by the place where they are wrong."""

import csv
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from vlbench.core.errors import DataError


def data_lines(text: str) -> list[str]:
    r"""Lines split at newlines alone, without the blank ones at the end; a blank one between is a name.

    >>> data_lines("near\r\n\nfar\n\n")
    ['near', '', 'far']
    """
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def parse_json(text: str, where: str) -> Any:
    """What a text of JSON says; `where` names the file or the line.

    Raises:
        DataError: it is no JSON, or nests too deeply.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not JSON ({error}); correct it, or fetch it again") from error


def json_lines(text: str, file: Path) -> Iterator[tuple[str, Any]]:
    """What each line of JSON says that is not blank, behind its place, `FILE:LINE`.

    Raises:
        DataError: a line is no JSON.
    """
    for number, line in enumerate(data_lines(text), start=1):
        if line.strip():
            where = f"{file}:{number}"
            yield where, parse_json(line, where)


def csv_rows(text: str, file: Path) -> Iterator[tuple[str, list[str]]]:
    """The cells of each row of a CSV that is not empty, behind the place where it ends, `FILE:LINE`.

    Raises:
        DataError: a row that is no CSV, or too long.
    """
    rows = csv.reader(StringIO(text, newline=""))
    try:
        for cells in rows:
            if cells:
                yield f"{file}:{rows.line_num}", cells
    except csv.Error as error:
        raise DataError(f"{file}:{rows.line_num}: no CSV ({error}); fetch it again") from error
