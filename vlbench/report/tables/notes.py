"""What tables leave out of results, and why, in a line each."""

from collections.abc import Iterable, Iterator

from vlbench.core.result import Result
from vlbench.report.comparable import TaskColumn
from vlbench.report.tables.averages import NO_ADDITIONS, Additions, Averages, averages
from vlbench.report.tables.base_to_new import base_to_new
from vlbench.report.tables.few_shot import few_shot_curves
from vlbench.report.tables.seeds import seed_notes
from vlbench.report.task_name import BASE, old_method


def notes(
    results: Iterable[Result], additions: Additions = NO_ADDITIONS, found: Averages | None = None
) -> tuple[str, ...]:
    """Lines about what the tables leave out and why: other questions, missing seeds, tasks without a mean.

    For a task name that only version 0.1 has, a line tells what it is now.
    """
    known = list(results)
    found = found or averages(known, additions)
    lines = [line for task, column in found.columns.items() for line in _column_notes(task, column)]
    if found.seeds:
        lines += seed_notes(found.by_task, found.seeds, known)
    if any(task.endswith(BASE) for task in found.by_task):
        lines += base_to_new(found.scores, found.by_task)[1]
    if any("shots" in each.settings for each in known):
        lines += few_shot_curves(found.by_task, found.seeds)[1]
    return (*lines, *found.notes)


def _column_notes(task: str, column: TaskColumn) -> Iterator[str]:
    one = column.kept[0]
    method = old_method(task)
    if method:
        yield (
            f"{task}: results of version 0.1, by the task's name; {method} is a method of the row now: run "
            f"`--task {task.removesuffix(f'+{method}')} --method {method}` again"
        )
    differing: dict[tuple[str, ...], list[Result]] = {}
    for result, names in column.left_out:
        differing.setdefault(names, []).append(result)
    for names, results in differing.items():
        who = f"{task}: left out of the ranking: "
        if names == ("protocol",):
            who += ", ".join(f"{each.model} ({each.protocol_digest[:8]})" for each in results)
            yield (
                f"{who}, of another protocol than {one.protocol_digest[:8]}, which most results have; run "
                "them again"
            )
        else:
            who += ", ".join(each.model for each in results)
            yield (
                f"{who}, of other {' and '.join(names)} than {one.model}; run them again on the same data, "
                "or give other data a card and a name of their own"
            )
    if column.untold:
        yield (
            f"{task}: right answers are not told by results of an earlier version: "
            f"{', '.join(column.untold)}; they stand beside others of equal images and texts, run them again "
            "to be sure"
        )
