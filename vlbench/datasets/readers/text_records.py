"""Lines, JSON and tables in text files of data. Errors name the place that is wrong."""

import csv
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from vlbench.core.errors import DataError


def data_lines(text: str) -> list[str]:
    r"""Lines, split at newlines only, without blank lines at the end. A blank line between others is kept.

    >>> data_lines("near\r\n\nfar\n\n")
    ['near', '', 'far']
    """
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def parse_json(text: str, where: str) -> Any:
    """Parse JSON; `where` names the file or line in errors.

    Raises:
        DataError: it is not JSON, or is nested too deeply.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not JSON ({error}); correct it, or fetch it again") from error


def json_lines(text: str, file: Path) -> Iterator[tuple[str, Any]]:
    """Parse each non-blank line as JSON: yields its place, `FILE:LINE`, and its value.

    Raises:
        DataError: a line is not JSON.
    """
    for number, line in enumerate(data_lines(text), start=1):
        if line.strip():
            where = f"{file}:{number}"
            yield where, parse_json(line, where)


def csv_rows(text: str, file: Path) -> Iterator[tuple[str, list[str]]]:
    """The cells of each non-empty row of a CSV: yields the place where the row ends, `FILE:LINE`, and its
    cells.

    Raises:
        DataError: a row is not CSV, or is too long.
    """
    rows = csv.reader(StringIO(text, newline=""))
    try:
        for cells in rows:
            if cells:
                yield f"{file}:{rows.line_num}", cells
    except csv.Error as error:
        raise DataError(f"{file}:{rows.line_num}: no CSV ({error}); fetch it again") from error
