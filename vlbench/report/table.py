"""Tables as text for a terminal, as Markdown and as CSV, and the format of their numbers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from vlbench.core.visible import visible
from vlbench.report.csv_text import csv_text
from vlbench.report.markdown import Markdown, escaped

_GAP = 2
"""How many blanks separate columns."""
_SENTENCE = 20
"""The characters that a column of sentences has at least."""


@dataclass(frozen=True, slots=True)
class Table:
    r"""A header and rows of cells.

    Columns named in `right` are aligned to the right.

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

    def text(self, *, ruled: bool = True, width: int | None = None, keys: int = 1, below: bool = True) -> str:
        """Aligned columns for a terminal, separated by two blanks; `(none)` without columns.

        With a `width` in characters, cells are wrapped at blanks, those of the first `keys` columns and of
        `right` ones apart. Columns that do not fit are in further tables below, each of which begins with the
        first `keys` columns; where these leave room for no other, there is one wide table. Not `below`, they
        are left out and named. No name is broken, so that it can be searched for and copied.

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
        if not self.head:
            return "(none)"
        rule, first, *others = self._drawn()
        if width is not None and len(rule) > width:
            whole = [len(column) for column in rule.split()]
            least = self._least(whole, keys)
            parts = list(_parts(least, width, keys))
            if len(parts) > 1 and not below:
                left_out = ", ".join(self.head[place] for part in parts[1:] for place in part[keys:])
                told = f"not shown: {left_out}; a wider terminal, a pipe and --json have all"
                return f"{self._only(parts[0]).text(ruled=ruled, width=width, keys=keys)}\n\n{told}"
            if len(parts) > 1:
                return "\n\n".join(
                    self._only(part).text(ruled=ruled, width=width, keys=keys) for part in parts
                )
            rule, first, *others = self._drawn(_widths(whole, least, width))
        return "\n".join([first, *([rule] if ruled else []), *others])

    def _drawn(self, widths: Sequence[int | None] | None = None) -> list[str]:
        """The rule, the head and the other lines; cells are wrapped at blanks to `widths`."""
        # imported here, so that `--help` starts without it
        from tabulate import tabulate

        drawn = tabulate(
            [
                [visible(_cell(cell)) for _, cell in zip(self.head, line, strict=True)]
                for line in (self.head, *self.rows)
            ],
            tablefmt="simple",
            disable_numparse=True,
            preserve_whitespace=True,
            colalign=["right" if name in self.right else "left" for name in self.head],
            maxcolwidths=widths,
            break_long_words=False,
            break_on_hyphens=False,
        )
        # without headers a table has rules above and below it; the head, as a row, is as wide as its words
        return [line.rstrip() for line in drawn.split("\n")[:-1]]

    def _least(self, whole: Sequence[int], keys: int) -> list[int]:
        """The characters that each column needs, of `whole` ones without a wrapped cell."""
        wrapped = [place >= keys and name not in self.right for place, name in enumerate(self.head)]
        words = self._drawn([1 if each else None for each in wrapped])[0].split()
        return [
            min(all_, max(len(word), len(name), _SENTENCE)) if each else all_
            for each, all_, word, name in zip(wrapped, whole, words, self.head, strict=True)
        ]

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
    if room < min(widths[keys:], default=0):
        yield list(range(len(widths)))
        return
    for place in range(keys, len(widths)):
        if chosen and sum(widths[i] + _GAP for i in chosen) + widths[place] > room:
            yield [*first, *chosen]
            chosen = []
        chosen.append(place)
    yield [*first, *chosen]


def _widths(whole: Sequence[int], least: Sequence[int], width: int) -> list[int]:
    """The widths of columns that need the `least`, and of what is left the most that they use, shared out."""
    found, room = list(least), max(0, width - sum(each + _GAP for each in least) + _GAP)
    wanting = sorted(
        (place for place in range(len(least)) if whole[place] > least[place]), key=whole.__getitem__
    )
    for left, place in zip(range(len(wanting), 0, -1), wanting, strict=True):
        found[place] += min(whole[place] - least[place], room // left)
        room -= found[place] - least[place]
    return found
