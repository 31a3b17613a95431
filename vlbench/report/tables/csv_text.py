"""Text of CSV tables: numbers with six decimals, lines that end alike on every machine."""

import csv
import io
from collections.abc import Iterable, Sequence


def csv_text(head: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    r"""A table as text.

    >>> csv_text(["model", "acc1"], [["a, b", "0.500000"]])
    'model,acc1\n"a, b",0.500000\n'
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(lines)
    return buffer.getvalue()


def number(value: float | None) -> str:
    """Six decimals; nothing for None; zero has no sign.

    >>> number(1 / 3), number(-1e-9), number(None)
    ('0.333333', '0.000000', '')
    """
    return "" if value is None else f"{round(value, 6) + 0.0:.6f}"
