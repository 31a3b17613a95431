"""Averages over tasks, and which tasks they leave out and why."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from vlbench.core.result import Result
from vlbench.core.robustness import RobustnessFit
from vlbench.report.comparable import TaskColumn, columns, whole_results
from vlbench.report.tables.seeds import METHOD, row_of, row_scores, seeds_by_row
from vlbench.report.task_name import BASE, NEW, data_set_of, name_parts

MEAN = "mean"
MEAN_RANK = "mean_rank"

_ROUNDING = 1e-6

Scores = Mapping[str, Mapping[str, float | None]]
Ranks = Mapping[str, Mapping[str, int]]
Numbers = Mapping[str, float | None]
ByTask = Mapping[str, Sequence[Result]]
"""The comparable results of each task."""


@dataclass(frozen=True, slots=True)
class Additions:
    """What tables show besides results: collections of tasks, ranks by task and model, robustness fits.

    `metrics` names what a collection averages for a task, if not its primary metric: the mean of the named
    metrics, or nothing if none is named. `weights` are the weights of tasks in a collection; without any, all
    are equal. `fits` reads the fits when a table needs them. `shipped` are the tasks with cards in vlbench.
    """

    collections: Mapping[str, Sequence[str]] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    ranks: Ranks = field(default_factory=dict)
    fits: Callable[[], tuple[RobustnessFit, ...]] = tuple
    shipped: frozenset[str] = frozenset()


NO_ADDITIONS = Additions()


@dataclass(frozen=True, slots=True)
class Averages:
    """Scores by row and task, averages by row, and a line for everything that is left out.

    `columns` are those of all tasks, `by_task` the averaged results, `seeds` the models of rows with several
    seeds. `tasks` are those that `mean` is over.
    """

    columns: Mapping[str, TaskColumn]
    by_task: ByTask
    seeds: Mapping[str, frozenset[str]]
    scores: Scores
    tasks: tuple[str, ...]
    mean: Numbers
    collections: Mapping[str, Numbers]
    mean_rank: Numbers
    notes: tuple[str, ...] = ()


def averages(results: Iterable[Result], additions: Additions = NO_ADDITIONS) -> Averages:
    """Average the whole results of every row; None if a row lacks a task.

    `mean` is over one protocol of each data set, for metrics that are fractions and better when higher. It
    leaves out tasks with texts or thresholds from the user and, if there are tasks with cards, folders
    without one. The mean rank is over these tasks and those with other metrics. A collection with results on
    all of its tasks is averaged by its own metrics, else by the primary ones.

    Raises:
        DataError: a model has the name of a row of seeds.
    """
    whole = whole_results(results)
    of_task = columns(whole)
    by_task = {task: column.kept for task, column in of_task.items()}
    seeds = seeds_by_row(whole)
    scores = row_scores(by_task, seeds)
    ranked, reasons = _one_of_each(by_task, additions.shipped)
    averaged = []
    for task in ranked:
        reason = _no_fraction(by_task[task], scores, [by_task[task][0].primary])
        if reason:
            reasons[task] = reason
        else:
            averaged.append(task)
    without: dict[str, list[str]] = {}
    for task, reason in sorted(reasons.items()):
        without.setdefault(reason, []).append(task)
    lines = [f"{MEAN}: without {', '.join(tasks)}: {reason}" for reason, tasks in without.items()]
    if by_task and not averaged:
        lines.append(f"{MEAN}: empty: none of the tasks can be averaged")
    mixed = mixed_rows(by_task)
    lines += (
        f"{row}: no averages: results of other {what} under one name; run it again on {', '.join(tasks)}"
        for row, found in mixed.items()
        for what, tasks in found.items()
    )
    kept = {row: {} if row in mixed else cells for row, cells in scores.items()}
    collections = {}
    for name, tasks in sorted(additions.collections.items()):
        metrics = additions.metrics.get(name, {})
        wanted = {task: metrics.get(task) for task in tasks if metrics.get(task, True)}
        if all(task in by_task for task in wanted):
            weights = additions.weights.get(name) or dict.fromkeys(wanted, 1)
            numbers, reason = _collection(wanted, weights, by_task, kept, seeds)
            collections[name] = {row: None if row in mixed else number for row, number in numbers.items()}
            if reason:
                lines.append(f"{name}: empty: {reason}")
    return Averages(
        columns=of_task,
        by_task=by_task,
        seeds=seeds,
        scores=scores,
        tasks=tuple(averaged),
        mean={row: mean_of(kept[row], averaged) for row in scores},
        collections=collections,
        mean_rank={row: None if row in mixed else mean_rank(row, ranked, additions.ranks) for row in scores},
        notes=tuple(lines),
    )


def mean_of(
    scores: Numbers, tasks: Sequence[str], weights: Mapping[str, float] | None = None
) -> float | None:
    """The mean over tasks, weighted if there are weights; None if a task has no score.

    >>> mean_of({"a": 0.5, "b": 1.0}, ["a", "b"]), mean_of({"a": 0.5}, ["a", "b"])
    (0.75, None)
    >>> mean_of({"a": 0.5, "b": 1.0}, ["a", "b"], {"a": 3, "b": 1})
    0.625
    """
    weights = weights or dict.fromkeys(tasks, 1)
    known = [weights[task] * score for task in tasks if (score := scores.get(task)) is not None]
    whole = sum(weights[task] for task in tasks)
    return sum(known) / whole if known and len(known) == len(tasks) else None


def mean_rank(model: str, tasks: Sequence[str], ranks: Ranks) -> float | None:
    """The mean of a model's ranks on tasks; None if it has no rank on a task. Lower is better."""
    known = [rank for task in tasks if (rank := ranks.get(task, {}).get(model)) is not None]
    return fmean(known) if known and len(known) == len(tasks) else None


def _one_of_each(by_task: ByTask, shipped: frozenset[str]) -> tuple[list[str], dict[str, str]]:
    """Choose one task for each data set, and tell why each other task is not chosen.

    Preferred are, in this order: a shipped task, the one with most results, the one without marks, the first.
    The user's own data count only if no task with a card does.
    """
    reasons: dict[str, str] = {}
    own: list[str] = []
    rest: list[str] = []
    for task in by_task:
        card, marks, is_own = name_parts(task)
        if marks:
            reasons[task] = f"{' and '.join(mark.partition('@')[0] for mark in marks)} of the user's own"
        elif card.endswith((BASE, NEW)):
            reasons[task] = "a half of a task's classes"
        elif is_own:
            own.append(task)
        else:
            rest.append(task)
    if rest:
        reasons |= dict.fromkeys(own, "own data without a card")
    else:
        rest = own
    rest.sort(key=lambda task: (task not in shipped, -len(by_task[task]), "@" in task, task))
    first: dict[object, str] = {}
    chosen = []
    for task in rest:
        keys = [data_set_of(task), *_data_of(by_task[task])]
        before = next((first[key] for key in keys if key in first), None)
        for key in keys:
            first.setdefault(key, before or task)
        if before is None:
            chosen.append(task)
        else:
            reasons[task] = "another question about a data set that is averaged"
    return sorted(chosen), reasons


def mixed_rows(by_task: ByTask) -> dict[str, dict[str, list[str]]]:
    """Find rows whose results mix several weights or methods: which of the two, and the tasks of the rarer
    ones.

    Each model of a row has its own weights, and all share one state of the row's method: its settings, which
    its name only abbreviates, and its code.
    """
    tasks_of: dict[tuple[str, str, str], dict[tuple[str, ...], list[str]]] = {}
    for task, results in by_task.items():
        for each in results:
            told = {
                ("weights", each.model): tuple(sorted(set(each.weights.values()))),
                (METHOD, ""): (each.digests["method"],) if "method" in each.digests else (),
            }
            for key, digests in told.items():
                if digests:
                    known = tasks_of.setdefault((row_of(each), *key), {})
                    known.setdefault(digests, []).append(task)
    mixed: dict[str, dict[str, list[str]]] = {}
    for (row, what, _), known in sorted(tasks_of.items()):
        _, *fewer = sorted(known.items(), key=lambda item: (-len(item[1]), item[0]))
        if fewer:
            tasks = mixed.setdefault(row, {}).setdefault(what, [])
            tasks.extend(dict.fromkeys(task for _, of in fewer for task in of))
    return mixed


def _data_of(results: Sequence[Result]) -> Iterable[object]:
    """Yield keys for the images, right answers and captions of a task, whatever its name."""
    for result in results:
        told = [result.digests.get(name, "") for name in ("image_ids", "truth", "texts")]
        if all(told):
            # texts that the protocol states are the card's, others are data
            captions = "" if result.protocol_statement.get("texts") else told[2]
            # files of two folders may have equal names
            yield (result.kind, *told[:2], captions, result.digests.get("image_sample", ""))
            return


def _no_fraction(results: Sequence[Result], scores: Scores, metrics: Sequence[str]) -> str:
    """Why scores cannot be averaged: not fractions, or better when lower; empty if they can."""
    for value in (each for result in results for each in result.metrics if each.metric in metrics):
        if value.lower_is_better:
            return f"{value.metric} is better when it is lower"
    task = results[0].task
    known = (score for row in scores.values() if (score := row.get(task)) is not None)
    outside = [score for score in known if not -_ROUNDING <= score <= 1 + _ROUNDING]
    return f"{' and '.join(metrics)} is no fraction: {outside[0]:g}" if outside else ""


def _collection(
    metrics: Mapping[str, Sequence[str] | None],
    weights: Mapping[str, float],
    by_task: ByTask,
    scores: Scores,
    seeds: Mapping[str, frozenset[str]],
) -> tuple[Numbers, str]:
    """The average of a collection by row, or why no row has one.

    `metrics` None means a task's primary one.
    """
    own = {task: names for task, names in metrics.items() if names is not None}
    measured = row_scores({task: by_task[task] for task in own}, seeds, own)
    found = {row: {**scores[row], **measured.get(row, {})} for row in scores}
    for task in metrics:
        reason = _no_fraction(by_task[task], found, own.get(task, [by_task[task][0].primary]))
        if reason:
            return dict.fromkeys(scores), f"{task}: {reason}"
    return {row: mean_of(found[row], tuple(metrics), weights) for row in scores}, ""
