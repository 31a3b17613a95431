"""The leaderboard as text for a terminal, and as Markdown for READMEs and CI summaries."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vlbench.core.errors import UnknownName
from vlbench.core.result import Result
from vlbench.report.csv_text import read_csv
from vlbench.report.markdown import Markdown, escaped
from vlbench.report.table import Table, decimals, with_interval
from vlbench.report.tables.averages import (
    MEAN,
    MEAN_RANK,
    NO_ADDITIONS,
    Additions,
    Averages,
    Numbers,
    averages,
)
from vlbench.report.tables.levels import Level, level_of
from vlbench.report.tables.row_facts import ROW_FACTS
from vlbench.report.tables.seeds import SeedSpread, spreads

_NONE = "–"
MODEL = "model"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a leaderboard stands: the column that rows are sorted by, best first, and whether tasks are rows.

    `low` are the columns whose lower values are better.
    """

    sort: str = MEAN
    transpose: bool = False
    low: frozenset[str] = frozenset({MEAN_RANK})

    @classmethod
    def of_results(cls, results: Iterable[Result], sort: str, *, transpose: bool) -> "Layout":
        """A layout for some results, whose metrics say what is better."""
        low = {each.task for each in results if each.lower_is_better}
        return cls(sort, transpose, frozenset({*low, MEAN_RANK}))

    def sorted(self, rows: Iterable[str], numbers: Mapping[str, Numbers]) -> list[str]:
        """Rows in order: by a column of numbers, those without one last; by name if `model` is asked for.

        Raises:
            VlbenchError: there is no such column.
        """
        by_name = sorted(rows)
        if self.sort == MODEL or (self.sort == MEAN and MEAN not in numbers):
            return by_name
        if self.sort not in numbers:
            raise UnknownName("column", self.sort, [MODEL, *numbers])
        known = {row: value for row, value in numbers[self.sort].items() if value is not None}
        best_first = sorted(
            (row for row in by_name if row in known), key=known.__getitem__, reverse=self.sort not in self.low
        )
        return [*best_first, *(row for row in by_name if row not in known)]

    def of(self, table: Table) -> Table:
        """The table, with tasks as rows if that is asked for."""
        return table.transposed("task") if self.transpose else table


BY_MEAN = Layout()


def leaderboard_table(
    text: str,
    spreads: Mapping[tuple[str, str], SeedSpread],
    *,
    layout: Layout = BY_MEAN,
    width: int | None = None,
) -> str:
    """The text of `leaderboard.csv` as a table with four decimals; a dash if a row has no score.

    `spreads` by row and task are shown for several seeds: `0.871 ± 0.004`. Facts of models are only in the
    CSV. With a `width` in characters, columns that do not fit are in tables below.

    Raises:
        VlbenchError: there is no column to sort by.
    """
    head, *lines = read_csv(text)
    if tuple(head[-len(ROW_FACTS) :]) == ROW_FACTS:
        head = head[: -len(ROW_FACTS)]
    numbers = {
        task: {line[0]: float(line[place]) for line in lines if line[place]}
        for place, task in enumerate(head)
        if place
    }
    rows = []
    for name in layout.sorted([line[0] for line in lines], numbers):
        row = [name]
        for task in head[1:]:
            spread, value = spreads.get((name, task)), numbers[task].get(name)
            several = spread is not None and spread.deviation is not None and value is not None
            row.append(str(spread) if several else decimals(value))
        rows.append(row)
    return layout.of(Table(head, rows, right=head[1:])).text(width=width)


def leaderboard_markdown(
    results: Iterable[Result],
    additions: Additions = NO_ADDITIONS,
    *,
    intervals: bool = False,
    layout: Layout = BY_MEAN,
) -> str:
    """One row per model and one column per task, with its primary metric; the best of a column in bold.

    With `intervals`, the 95 % interval follows each value. After the tasks come the mean, averages over
    collections that a row has completely, and the mean rank. The last rows are what a model that guesses gets
    on each task, and the best model that answers all alike.
    """
    known = list(results)
    found, seeds = averages(known, additions), spreads(known)
    columns: dict[str, Mapping[str, str]] = {}
    levels: dict[Level, dict[str, float | None]] = {"chance": {}, "constant": {}}
    sortable = {**_by_column(found), MEAN: found.mean, **found.collections, MEAN_RANK: found.mean_rank}
    for task in sorted(found.by_task):
        members = found.by_task[task]
        shown = {}
        for result in members:
            value = result.metric(result.primary)
            if intervals and not result.replicate_of:
                shown[result.model] = with_interval(value.value, value.ci_low, value.ci_high)
        shown |= {row: str(spread) for (row, of), spread in seeds.items() if of == task and spread.deviation}
        heading = Markdown(f"{escaped(task)}<br>{escaped(members[0].primary)}")
        columns[heading] = _column(sortable[task], shown, lower_is_better=members[0].lower_is_better)
        for level, cells in levels.items():
            cells[heading] = level_of(members, level)
    if len(found.by_task) > 1:
        columns[MEAN] = _column(found.mean)
    columns |= {name: _column(numbers) for name, numbers in found.collections.items()}
    columns[MEAN_RANK.replace("_", " ")] = _column(found.mean_rank, lower_is_better=True)
    kept = {heading: cells for heading, cells in columns.items() if cells}
    order = layout.sorted(found.scores, sortable)
    rows = [[row, *(cells.get(row, _NONE) for cells in kept.values())] for row in order]
    for level, numbers in levels.items():
        if any(value is not None for value in numbers.values()):
            cells_of = (numbers.get(heading) for heading in kept)
            rows.append([f"({level})", *("" if value is None else decimals(value) for value in cells_of)])
    return layout.of(Table([MODEL, *kept], rows, right=kept)).markdown()


def _by_column(found: Averages) -> dict[str, Numbers]:
    return {task: {row: cells.get(task) for row, cells in found.scores.items()} for task in found.by_task}


def _column(
    numbers: Numbers, shown: Mapping[str, str] | None = None, *, lower_is_better: bool = False
) -> Mapping[str, str]:
    """The cells of rows with a number; bold where no other row's number, as printed, is better.

    `shown` has the cells of rows with more than a number with four decimals.
    """
    known = {row: value for row, value in numbers.items() if value is not None}
    if not known:
        return {}
    best = decimals((min if lower_is_better else max)(known.values()))
    cells = {}
    for row, value in known.items():
        text = decimals(value)
        printed = (shown or {}).get(row, text)
        cells[row] = Markdown(f"**{escaped(printed)}**") if text == best and len(known) > 1 else printed
    return cells
