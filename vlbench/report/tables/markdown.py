"""The leaderboard as Markdown, for READMEs and for the summaries of CI runs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from vlbench.core.measurement import Measurement
from vlbench.core.result import Result
from vlbench.report.exchange.imported import SHOWN, ImportedScore, imported_cells
from vlbench.report.tables.averages import MEAN, MEAN_RANK, NO_ADDITIONS, Additions, averages
from vlbench.report.tables.seeds import Spread, spreads

_NONE = "–"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers: its heading, each row's number and how it is written, and which way is better."""

    heading: str
    numbers: Mapping[str, float | None]
    lower_is_better: bool = False
    shown: Mapping[str, str] | None = None

    def cell(self, row: str) -> str:
        """A row's cell, in bold where no other row's number is better as it is printed."""
        number = self.numbers.get(row)
        if number is None:
            return _NONE
        known = [value for value in self.numbers.values() if value is not None]
        best = min(known) if self.lower_is_better else max(known)
        text = f"{number:.4f}"
        printed = text if self.shown is None else self.shown.get(row, text)
        return f"**{printed}**" if text == f"{best:.4f}" and len(known) > 1 else printed


def leaderboard_markdown(
    results: Iterable[Result], additions: Additions = NO_ADDITIONS, *, interval: Callable[[Measurement], str]
) -> str:
    """A row a model and a column a task, its primary metric under its name; the best of a column in bold.

    `interval` writes what stands behind a value: `with_interval` or `without_interval`. Behind the tasks: the
    mean, averages over collections that a row has whole, and the mean rank.
    """
    known = list(results)
    found, seeds = averages(known, additions), spreads(known)
    by_task, scores = found.by_task, found.scores
    tasks = sorted(by_task)
    columns = [_task_column(task, by_task[task], scores, seeds, interval) for task in tasks]
    if len(tasks) > 1:
        columns.append(Column(MEAN, found.mean))
    columns += [Column(name, numbers) for name, numbers in found.collections.items()]
    columns.append(Column(MEAN_RANK.replace("_", " "), found.mean_rank, lower_is_better=True))
    kept = [column for column in columns if any(value is not None for value in column.numbers.values())]
    head = ["model", *(column.heading for column in kept)]
    lines = [[row, *(column.cell(row) for column in kept)] for row in sorted(scores)]
    return markdown_table(head, lines, numbers_from=1)


def with_interval(value: Measurement) -> str:
    """The 95 % interval behind a value."""
    if value.ci_low is None or value.ci_high is None:
        return ""
    return f" [{value.ci_low:.4f}, {value.ci_high:.4f}]"


def without_interval(_: Measurement) -> str:
    """Nothing behind a value."""
    return ""


def imported_markdown(scores: Iterable[ImportedScore], tasks: Iterable[str]) -> str:
    """Scores that other tools measured on these tasks, under a line that says so; empty where none are."""
    known = frozenset(tasks)
    lines = imported_cells(scores, known)
    if not lines:
        return ""
    return f"Measured by other tools and imported:\n\n{markdown_table(SHOWN, lines)}"


def markdown_table(
    head: Sequence[str], lines: Iterable[Sequence[str]], *, numbers_from: int | None = None
) -> str:
    r"""A table whose cells cannot break it; columns from `numbers_from` on stand to the right.

    >>> print(markdown_table(["a|b", "n"], [["x", "1"]], numbers_from=1))
    | a\|b | n |
    | --- | ---: |
    | x | 1 |
    """
    first = len(head) if numbers_from is None else numbers_from
    rules = ["---" if place < first else "---:" for place in range(len(head))]
    rows = [[*map(_escaped, head)], rules, *([*map(_escaped, line)] for line in lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _task_column(
    task: str,
    results: Sequence[Result],
    scores: Mapping[str, Mapping[str, float | None]],
    seeds: Mapping[tuple[str, str], Spread],
    interval: Callable[[Measurement], str],
) -> Column:
    metric = results[0].primary
    shown = {}
    for result in results:
        value = result.metric(result.primary)
        if not result.replicate_of and value.value is not None:
            shown[result.model] = f"{value.value:.4f}{interval(value)}"
    shown |= {row: str(spread) for (row, of), spread in seeds.items() if of == task and spread.deviation}
    numbers = {row: scores[row].get(task) for row in scores}
    return Column(f"{task}<br>{metric}", numbers, results[0].lower_is_better, shown)


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")
