"""Base-to-new generalisation: scores on the two halves of a task's classes, and their harmonic mean."""

from collections.abc import Mapping, Sequence

from vlbench.core.digest import digest_of
from vlbench.core.result import Result
from vlbench.report.comparable import Question
from vlbench.report.table import Table, number
from vlbench.report.tables.averages import ByTask, mixed_rows
from vlbench.report.tables.seeds import row_of
from vlbench.report.task_name import BASE, NEW

BASE_TO_NEW = "base_to_new.csv"
BASE_TO_NEW_HEAD = ("model", "task", "base", "new", "harmonic_mean")


def base_to_new(
    scores: Mapping[str, Mapping[str, float | None]], by_task: ByTask
) -> tuple[str, tuple[str, ...]]:
    """The text of `base_to_new.csv`, from scores by row and task, and a line for each pair that is left out.

    The harmonic mean is that of the two means over seeds, as papers report it (Zhou et al., arXiv 2203.05557,
    table 1). Halves that differ in data, templates or weights are left out. The text is empty if no row has
    both halves.
    """
    lines, notes = [], []
    for row in sorted(scores):
        for name in sorted(scores[row]):
            task = name.removesuffix(BASE)
            base, new = scores[row][name], scores[row].get(f"{task}{NEW}")
            if task == name or base is None or new is None:
                continue
            what = _differing(row, by_task[name], by_task[f"{task}{NEW}"])
            if what:
                notes.append(
                    f"{task}: no base and new of {row}: the halves are of other {what}; run both again"
                )
            else:
                lines.append([row, task, *map(number, (base, new, harmonic_mean(base, new)))])
    return Table(BASE_TO_NEW_HEAD, lines).csv() if lines else "", tuple(notes)


def _differing(row: str, base: Sequence[Result], new: Sequence[Result]) -> str:
    """How the two halves of a row differ; empty if they belong together."""
    mixed = mixed_rows({BASE: base, NEW: new}).get(row)
    if mixed:
        return " and ".join(mixed)
    one, two = (next(each for each in half if row_of(each) == row) for half in (base, new))
    if Question.of(one).is_on_other_files(Question.of(two)):
        return "data"
    told = [each.protocol_statement.get("templates") for each in (one, two)]
    return "" if digest_of(told[0]) == digest_of(told[1]) else "templates"


def harmonic_mean(base: float, new: float) -> float:
    """2 b n / (b + n) of two fractions; 0 if both are 0.

    >>> harmonic_mean(0.75, 0.5)
    0.6
    """
    return 2 * base * new / (base + new) if base + new else 0.0
