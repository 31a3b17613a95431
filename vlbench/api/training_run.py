"""The checkpoints of a training run: files by their step, and the splits by which the best is chosen."""

import glob
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from vlbench.core.errors import WeightsError
from vlbench.core.result import Result
from vlbench.core.task import Task
from vlbench.report.table import decimals
from vlbench.report.tables.few_shot import primary_curves
from vlbench.report.tables.steps import VALIDATION, best_step, step_curves

_NUMBER = re.compile(r"\d+")
_STEP = re.compile(r"(?:step|iter|iteration)[_=-]?(\d+)", re.IGNORECASE)
_GOES_ON = re.compile(r"k(?![a-z])|e\d|\.\d|_\d{3}(?!\d)", re.IGNORECASE)
"""What makes another number of digits: 10k, 1e3, 1.5, 10_000."""


def is_pattern(weights: Path | None) -> bool:
    """Whether the weights that a user names are a pattern, of the checkpoints of a training run."""
    return weights is not None and glob.has_magic(str(weights)) and not weights.exists()


def files_by_step(pattern: Path) -> dict[int, Path]:
    """The files that a pattern matches, by the step in their names, ascending.

    The step is the number behind `step` or `iter` in the files' own names; without it the number that differs
    between the names.

    Raises:
        WeightsError: no file matches, or the names do not tell one step each.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for step in (10, 9):
    ...         _ = Path(folder, f"epoch_{step}.pt").write_bytes(b"")
    ...     found = files_by_step(Path(folder, "epoch_*.pt"))
    >>> [(step, file.name) for step, file in found.items()]
    [(9, 'epoch_9.pt'), (10, 'epoch_10.pt')]
    """
    names = [each for each in sorted(glob.glob(str(pattern))) if Path(each).is_file()]  # noqa: PTH207
    if not names:
        raise WeightsError(
            f"{pattern}: no file matches; --weights takes a file of weights or a pattern of them"
        )
    numbers = [_NUMBER.findall(name) for name in names]
    stated = [[*_STEP.finditer(name)] for name in names]
    last = [found[-1] for found in stated if found]
    own = all(each.start(1) > each.string.rfind(os.sep) for each in last)  # not of a folder
    if len(last) == len(names) and (own or len({each[1] for each in last}) == len(names)):
        spans = [each.span(1) for each in last]
    else:
        counts = {len(found) for found in numbers}
        varying = [place for place, column in enumerate(zip(*numbers, strict=False)) if len(set(column)) > 1]
        if len(counts) > 1:
            odd = min(zip(numbers, names, strict=True), key=lambda pair: len(pair[0]))[1]
            raise WeightsError(f"{odd}: holds fewer numbers than others of {pattern}; narrow the pattern")
        if (len(names) > 1 and len(varying) != 1) or counts == {0}:
            raise WeightsError(
                f"{pattern}: {len(varying)} numbers differ between the names; name the step step_N"
            )
        place = varying[0] if varying else -1
        spans = [[each.span() for each in _NUMBER.finditer(name)][place] for name in names]
    for name, (_, end) in zip(names, spans, strict=True):
        if _GOES_ON.match(name, end):
            raise WeightsError(f"{name}: its step goes on behind the digits; name it in digits alone, step_N")
    steps = [int(name[slice(*span)]) for name, span in zip(names, spans, strict=True)]
    found = dict(sorted(zip(steps, map(Path, names), strict=True)))
    if len(found) < len(names):
        twice = next(step for step in steps if steps.count(step) > 1)
        raise WeightsError(f"{pattern}: several files are of step {twice}; narrow the pattern")
    return found


def validation_tasks(tasks: Sequence[Task]) -> dict[str, Task]:
    """The question of each task about its validation split, by the task's name, where it has one."""
    return {
        task.name: replace(
            task,
            name=f"{task.name} (validation)",
            problem=task.learn_from["validation"],
            learn_from={name: each for name, each in task.learn_from.items() if name != "validation"},
            partial="of the validation split",
        )
        for task in tasks
        if "validation" in task.learn_from
    }


def of_step(result: Result, step: int, steps_of: str, validation: float | None) -> Result:
    """The result of a checkpoint, which records its step, its run, and its primary metric on the validation
    split."""
    told = {} if validation is None else {f"{VALIDATION}{result.primary}": validation}
    settings = {**result.settings, "step": step, "steps_of": steps_of}
    return replace(result, settings=settings, learned={**result.learned, **told})


def best_lines(results: Iterable[Result], tasks: Sequence[Task]) -> list[str]:
    """A line for each run and task: its best step by the validation split, or why none is chosen."""
    by_task: dict[str, list[Result]] = {}
    for each in results:
        by_task.setdefault(each.task, []).append(each)
    why = {task.name: task.not_found.get("validation", "") for task in tasks}
    lines = []
    for curve in (each for curves in primary_curves(step_curves(by_task)).values() for each in curves):
        where, best = f"{curve.model} on {curve.task}", best_step(curve)
        if best is None:
            looked = f": {why[curve.task]}" if why[curve.task] else ""
            lines.append(f"{where}: no best step is chosen without scores on a validation split{looked}")
        else:
            by = f"by {curve.metric} on the validation split, {decimals(best.validation, 4)}"
            test = f"on the test split {decimals(best.mean, 4)}"
            lines.append(f"{where}: step {best.at} is the best of {len(curve.points)} {by}; {test}")
    return lines
