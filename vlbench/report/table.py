"""Tables as text for a terminal, as Markdown and as CSV, and the format of their numbers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from vlbench.core.visible import visible
from vlbench.report.csv_text import csv_text
from vlbench.report.markdown import Markdown, escaped

_GAP = 2
"""How many blanks separate columns."""


@dataclass(frozen=True, slots=True)
class Table:
    r"""A header and rows of cells.

    Columns named in `right` are aligned to the right. `widths` limits the characters of a column in a
    terminal, by column name; longer cells are wrapped.

    >>> table = Table(["name", "n"], [["a|b", 12]], right={"n"})
    >>> print(table.text())
    name   n
    ----  --
    a|b   12
    >>> print(table.markdown())
    | name | n |
    | --- | ---: |
    | a\|b | 12 |
    >>> table.csv()
    'name,n\na|b,12\n'
    """

    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    right: Collection[str] = ()
    widths: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, object]], without: Collection[str] = ()) -> "Table":
        """A table of rows, whose columns are the fields of the first row apart from `without`.

        Numbers go right.

        >>> print(Table.of([{"name": "a", "n": 12}, {"name": "bc", "n": None}]).text(ruled=False))
        name   n
        a     12
        bc
        """
        head = [name for name in (rows[0] if rows else ()) if name not in without]
        cells = [[row.get(name) for name in head] for row in rows]
        numbers = {name for name in head if any(isinstance(row.get(name), int | float) for row in rows)}
        return cls(head, cells, right=numbers)

    def text(self, *, ruled: bool = True, width: int | None = None, keys: int = 1) -> str:
        """Aligned columns for a terminal, separated by two blanks; `(none)` without columns.

        With a `width` in characters, columns that do not fit are in further tables below, each of which
        begins with the first `keys` columns; where these leave room for no other, there is one wide table. No
        name is broken, so that it can be searched for and copied.

        >>> table = Table(["name", "one", "two"], [["a", 1, 2]], right={"one", "two"})
        >>> print(table.text(width=12))
        name  one
        ----  ---
        a       1
        <BLANKLINE>
        name  two
        ----  ---
        a       2
        """
        # imported here, so that `--help` starts without it
        from tabulate import tabulate

        if not self.head:
            return "(none)"
        lines = (self.head, *self.rows)
        drawn = tabulate(
            [[visible(_cell(cell)) for _, cell in zip(self.head, line, strict=True)] for line in lines],
            tablefmt="simple",
            disable_numparse=True,
            preserve_whitespace=True,
            colalign=["right" if name in self.right else "left" for name in self.head],
            maxcolwidths=[self.widths.get(name) for name in self.head],
        )
        # without headers a table has rules above and below it; the head, as a row, is as wide as its words
        rule, first, *others, _ = (line.rstrip() for line in drawn.split("\n"))
        if width is not None and len(rule) > width:
            parts = list(_parts([len(column) for column in rule.split()], width, keys))
            if len(parts) > 1:
                return "\n\n".join(self._only(part).text(ruled=ruled) for part in parts)
        return "\n".join([first, *([rule] if ruled else []), *others])

    def _only(self, places: Sequence[int]) -> "Table":
        rows = [[row[i] for i in places] for row in self.rows]
        return replace(self, head=[self.head[i] for i in places], rows=rows)

    def transposed(self, corner: str) -> "Table":
        """Rows as columns, to the right; `corner` is the name of the first column.

        >>> print(Table(["model", "x", "y"], [["a", 1, 2]]).transposed("task").csv(), end="")
        task,a
        x,1
        y,2
        """
        names = [_cell(row[0]) for row in self.rows]
        rows = [[name, *(row[i] for row in self.rows)] for i, name in enumerate(self.head) if i]
        return Table([corner, *names], rows, right=names)

    def markdown(self) -> str:
        """A table of GitHub's Markdown; cells that are none are escaped."""
        rows = [
            [str(cell if isinstance(cell, Markdown) else escaped(_cell(cell))) for cell in line]
            for line in (self.head, *self.rows)
        ]
        rows.insert(1, ["---:" if name in self.right else "---" for name in self.head])
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)

    def csv(self) -> str:
        """The CSV, which `read_csv` reads."""
        return csv_text((self.head, *self.rows))


def number(value: float | None) -> str:
    """A number in a CSV: six decimals, empty for None, zero without a sign.

    >>> number(1 / 3), number(-1e-9), number(None)
    ('0.333333', '0.000000', '')
    """
    return "" if value is None else f"{round(value, 6) + 0.0:.6f}"


def decimals(value: float | None, digits: int = 4, *, sign: str = "") -> str:
    """A number for people, with a sign if `sign` is `+`; a dash for None.

    >>> decimals(0.5), decimals(0.0123, 3, sign="+"), decimals(None)
    ('0.5000', '+0.012', '-')
    """
    return "-" if value is None else f"{value:{sign}.{digits}f}"


def with_interval(
    value: float | None, low: float | None, high: float | None, digits: int = 4, *, sign: str = ""
) -> str:
    """A number with the ends of its 95 % interval, if it has one.

    >>> with_interval(0.5, 0.4, 0.6, 2), with_interval(0.5, None, None), with_interval(None, None, None)
    ('0.50 [0.40, 0.60]', '0.5000', '-')
    """
    if value is None or low is None or high is None:
        return decimals(value, digits, sign=sign)
    low_end, value_text, high_end = (decimals(each, digits, sign=sign) for each in (low, value, high))
    return f"{value_text} [{low_end}, {high_end}]"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)


def _parts(widths: Sequence[int], width: int, keys: int) -> Iterator[list[int]]:
    """The columns of each table that fits a width: the first `keys` ones and some more."""
    first, chosen = list(range(keys)), list[int]()
    room = width - sum(each + _GAP for each in widths[:keys])
    if room < max(widths[keys:], default=0):
        yield list(range(len(widths)))
        return
    for place in range(keys, len(widths)):
        if sum(widths[i] + _GAP for i in chosen) + widths[place] > room:
            yield [*first, *chosen]
            chosen = []
        chosen.append(place)
    yield [*first, *chosen]
