"""CSVs with names from outside: no spreadsheet takes a cell for a formula, and all are read as they were."""

import csv
import re
from collections.abc import Iterable
from io import StringIO

FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
"""How a cell begins that a spreadsheet may run, behind any apostrophes, so that one more can be taken off."""
NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|nan)", re.ASCII | re.I)


def guarded(cell: str) -> str:
    """A cell behind an apostrophe where a spreadsheet would run it; numbers are what they are.

    >>> guarded("=1+1"), guarded("-0.5"), guarded("it's")
    ("'=1+1", '-0.5', "it's")
    """
    return f"'{cell}" if FORMULA.match(cell) and not NUMBER.fullmatch(cell) else cell


def unguarded(cell: str) -> str:
    """The cell that was guarded.

    >>> unguarded(guarded("=1+1")), unguarded(guarded("'=1+1")), unguarded("'n' sync")
    ('=1+1', "'=1+1", "'n' sync")
    """
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """The text of rows whose words are guarded; its lines end alike on every machine."""
    lines = _Lines()
    # a name may hold what ends a line: Python before 3.13 quotes only what is in the terminator
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerows([guarded(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return "".join(lines)


def read_csv(text: str) -> list[list[str]]:
    """The rows of `csv_text`, whatever ends a line within their cells."""
    return [list(map(unguarded, row)) for row in csv.reader(StringIO(text, newline=""), strict=True)]


class _Lines(list[str]):
    """The lines that a writer makes, each with a line feed."""

    def write(self, line: str) -> None:
        """Take a line."""
        self.append(line.removesuffix("\r\n") + "\n")
