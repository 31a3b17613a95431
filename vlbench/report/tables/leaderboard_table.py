"""The leaderboard as text for a terminal, and as Markdown for READMEs and CI summaries."""

from collections.abc import Iterable, Mapping

from vlbench.core.result import Result
from vlbench.report.csv_text import read_csv
from vlbench.report.markdown import Markdown, escaped
from vlbench.report.table import Table, decimals, with_interval
from vlbench.report.tables.averages import MEAN, MEAN_RANK, NO_ADDITIONS, Additions, Numbers, averages
from vlbench.report.tables.row_facts import ROW_FACTS
from vlbench.report.tables.seeds import SeedSpread, spreads

_NONE = "–"


def leaderboard_table(text: str, spreads: Mapping[tuple[str, str], SeedSpread]) -> str:
    """The text of `leaderboard.csv` as a table with four decimals; a dash if a row has no score.

    `spreads` by row and task are shown for several seeds: `0.871 ± 0.004`. Facts of models are only in the
    CSV.
    """
    head, *lines = read_csv(text)
    if tuple(head[-len(ROW_FACTS) :]) == ROW_FACTS:
        head = head[: -len(ROW_FACTS)]
    rows = []
    for name, *cells in lines:
        row = [name]
        for task, cell in zip(head[1:], cells, strict=False):
            spread = spreads.get((name, task))
            several = spread is not None and spread.deviation is not None
            row.append(str(spread) if cell and several else decimals(float(cell) if cell else None))
        rows.append(row)
    return Table(head, rows, right=head[1:]).text()


def leaderboard_markdown(
    results: Iterable[Result], additions: Additions = NO_ADDITIONS, *, intervals: bool = False
) -> str:
    """One row per model and one column per task, with its primary metric; the best of a column in bold.

    With `intervals`, the 95 % interval follows each value. After the tasks come the mean, averages over
    collections that a row has completely, and the mean rank.
    """
    known = list(results)
    found, seeds = averages(known, additions), spreads(known)
    columns: dict[str, Mapping[str, str]] = {}
    for task in sorted(found.by_task):
        members = found.by_task[task]
        shown = {}
        for result in members:
            value = result.metric(result.primary)
            if intervals and not result.replicate_of:
                shown[result.model] = with_interval(value.value, value.ci_low, value.ci_high)
        shown |= {row: str(spread) for (row, of), spread in seeds.items() if of == task and spread.deviation}
        numbers = {row: cells.get(task) for row, cells in found.scores.items()}
        heading = Markdown(f"{escaped(task)}<br>{escaped(members[0].primary)}")
        columns[heading] = _column(numbers, shown, lower_is_better=members[0].lower_is_better)
    if len(found.by_task) > 1:
        columns[MEAN] = _column(found.mean)
    columns |= {name: _column(numbers) for name, numbers in found.collections.items()}
    columns[MEAN_RANK.replace("_", " ")] = _column(found.mean_rank, lower_is_better=True)
    kept = {heading: cells for heading, cells in columns.items() if cells}
    rows = [[row, *(cells.get(row, _NONE) for cells in kept.values())] for row in sorted(found.scores)]
    return Table(["model", *kept], rows, right=kept).markdown()


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
