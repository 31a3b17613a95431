"""Compares two models on the tasks that both have, by the results of a folder or those at hand."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from vlbench.core.errors import UnknownName, VlbenchError
from vlbench.core.items import Items
from vlbench.core.result import Result
from vlbench.report.paired.comparison import Comparison, holm_adjusted, paired, refuse
from vlbench.report.paired.differing import incomparable
from vlbench.report.paired.items import read_items
from vlbench.report.results import read_results
from vlbench.report.tables.seeds import seeds_by_row

Results = Mapping[str, Result]
"""One model's results by task."""


def compare_models(
    folder: Path, a: str, b: str, *, tasks: Sequence[str] = (), seed: int = 0
) -> tuple[Comparison, ...]:
    """Compare two models on some tasks, by default on all with whole results of both; p values by Holm.

    Tasks may hold wildcards, which match tasks that both models have. Sorted by task.

    Raises:
        UnknownName: a model or task has no results.
        DataError: the folder or a file in it is damaged or missing, or two results are not comparable: they
            differ in protocol, data or thresholds, or one is partial.
        VlbenchError: the models share no task.
    """
    read = partial(read_items, folder)
    return compare_results(read_results(folder), read, a, b, tasks=tasks, seed=seed, where=str(folder))


def compare_results(
    results: Sequence[Result],
    read: Callable[[Result], Items],
    a: str,
    b: str,
    *,
    tasks: Sequence[str] = (),
    seed: int = 0,
    where: str,
) -> tuple[Comparison, ...]:
    """Compare two models of some results, as `compare_models`; `read` gives the items of a result.

    `where` names the results in errors.

    Raises:
        VlbenchError: as `compare_models`.
    """
    first, second = (_of_model(name, results, where) for name in (a, b))
    pairs = [(first[task], second[task]) for task in _chosen(tasks, first, second, results)]
    for one, two in pairs:
        refuse(one, two, incomparable(one, two))
    return holm_adjusted(paired(one, read(one), two, read(two), seed=seed) for one, two in pairs)


def _of_model(name: str, results: Sequence[Result], where: str) -> Results:
    """The results of a model by task, whole ones before partial ones."""
    found = {each.task: each for each in sorted(results, key=lambda it: not it.partial) if each.model == name}
    if found:
        return found
    seeds = seeds_by_row(results).get(name)
    if seeds:
        raise VlbenchError(
            f"{name} is the mean of several seeds; name one of them: {', '.join(sorted(seeds))}"
        )
    known = {each.model for each in results}
    advice = f"`vlbench run` makes results; {where} has {len(known)} models"
    raise UnknownName("model with results", name, known, advice=advice)


def _chosen(tasks: Iterable[str], a: Results, b: Results, results: Sequence[Result]) -> list[str]:
    shared = {task for task in a.keys() & b.keys() if not (a[task].partial or b[task].partial)}
    chosen: set[str] = set()
    for pattern in tasks:
        matches = {task for task in shared if fnmatchcase(task, pattern)}
        chosen |= matches or {_named(pattern, a, b, results)}
    if chosen:
        return sorted(chosen)
    if not shared:
        names = " and ".join(next(iter(each.values())).model for each in (a, b))
        raise VlbenchError(f"{names} share no task with whole results; run both on one")
    return sorted(shared)


def _named(task: str, a: Results, b: Results, results: Sequence[Result]) -> str:
    """A task by its exact name, whatever results it has. A partial result is refused later."""
    known = {each.task for each in results}
    if task not in known:
        raise UnknownName("task with results", task, known)
    for each in (a, b):
        if task not in each:
            model = next(iter(each.values())).model
            raise VlbenchError(f"{model} has no result on {task}; run it there, by its method and precision")
    return task
