"""Few-shot curves: scores against the number of training images per class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from vlbench.core.result import Result
from vlbench.report.table import Table, number
from vlbench.report.tables.seeds import by_row, row_of, spread_of

FEW_SHOT = "few_shot.csv"
PICTURE = ".few_shot.svg"
"""The ending of the file of a task's picture."""

ROOT = '<svg xmlns="http://www.w3.org/2000/svg" class="curves"'
"""The beginning of such a picture, which distinguishes it from a user's own file."""

FEW_SHOT_HEAD = (
    *("task", "metric", "model", "method", "shots", "seeds"),
    *("mean", "deviation", "low", "high", "zero_shot"),
)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A point on a curve, which is a leaderboard row, at a number of shots or at a training step.

    With shots, `at` is None for all training images.

    `mean` and `deviation` (n - 1) are over the row's seeds, as in `SeedSpread`. `low` and `high` are the ends
    of the 95 % interval over test images: for one seed its own, for several the means of theirs. Seeds score
    the same images, so the interval of their mean is about as wide. `validation` is the score on the
    validation split, and `is_best` marks the step that is chosen by it.
    """

    at: int | None
    seeds: int
    mean: float | None
    deviation: float | None = None
    low: float | None = None
    high: float | None = None
    validation: float | None = None
    is_best: bool = False


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric of a model with a method on a task: points by shots, the one for all images last; or one of
    a training run, whose checkpoints are points by `steps`.

    `method` contains the digest of its other settings, without shots. `zero_shot` is the score of the model
    alone; None if the task's column has none. `is_fraction` tells whether values are between 0 and 1.
    """

    task: str
    metric: str
    model: str
    method: str
    points: tuple[CurvePoint, ...]
    zero_shot: float | None
    lower_is_better: bool = False
    is_fraction: bool = True
    over: Literal["shots", "steps"] = "shots"

    @property
    def scored(self) -> tuple[CurvePoint, ...]:
        """The points with a mean."""
        return tuple(point for point in self.points if point.mean is not None)


def few_shot_curves(
    by_task: Mapping[str, Sequence[Result]], seeds: Mapping[str, frozenset[str]]
) -> tuple[tuple[Curve, ...], tuple[str, ...]]:
    """The curves of every metric by task, model and method, and a line about each one that is left out.

    `by_task` are comparable results, `seeds` the models of rows of seeds. A method has curves if some result
    on the task states its shots. Curves with several weights under one name are left out.
    """
    curves: list[Curve] = []
    notes: list[str] = []
    for task, results in sorted(by_task.items()):
        few = {method_of(each) for each in results if shots_of(each)}
        if not few:
            continue
        groups: dict[tuple[str, str], list[Result]] = {}
        for each in results:
            if not each.method or method_of(each) in few:
                groups.setdefault((model_of(each), method_of(each)), []).append(each)
        for (model, method), members in sorted(groups.items()):
            alone = groups.get((model, ""), [])
            if not method:
                continue
            if _are_of_several_weights([*alone, *members]):
                notes.append(
                    f"{task}: no few-shot curve of {model} by {method}: results of other weights under one "
                    "name; run both again"
                )
                continue
            measured = (value.metric for each in members for value in each.metrics)
            metrics = dict.fromkeys([members[0].primary, *measured])
            curves += (_curve(metric, members, alone, seeds) for metric in metrics)
    return tuple(curves), tuple(notes)


def few_shot_text(curves: Sequence[Curve]) -> str:
    """The text of `few_shot.csv`, one line per point; empty without curves."""
    lines = [
        [
            *(curve.task, curve.metric, curve.model, curve.method),
            *("" if point.at is None else point.at, point.seeds),
            *map(number, (point.mean, point.deviation, point.low, point.high, curve.zero_shot)),
        ]
        for curve in curves
        for point in curve.points
    ]
    return Table(FEW_SHOT_HEAD, lines).csv() if lines else ""


def primary_curves(curves: Sequence[Curve]) -> dict[str, tuple[Curve, ...]]:
    """The curves of the primary metric, which comes first, by task."""
    first = {curve.task: curve.metric for curve in reversed(curves)}
    return {
        task: tuple(each for each in curves if (each.task, each.metric) == (task, metric))
        for task, metric in sorted(first.items())
    }


def shots_of(result: Result) -> int | None:
    """The number of images per class that a result's method learned from; None if it states none."""
    shots = result.settings.get("shots")
    return shots if isinstance(shots, int) and shots > 0 else None


def method_of(result: Result) -> str:
    """The method of a result as in its row, without the shots."""
    shots = shots_of(result)
    return result.method.replace(f"@{shots}", "", 1) if shots else result.method


def model_of(result: Result) -> str:
    """The row of a result's model without its method."""
    return row_of(result).removesuffix(f"+{result.method}" if result.method else "")


def _curve(
    metric: str, members: Sequence[Result], alone: Sequence[Result], seeds: Mapping[str, frozenset[str]]
) -> Curve:
    """The curve for results of one task, model and method.

    `alone` are results of the model without a method.
    """
    one = members[0]
    kind = next(value for each in members for value in each.metrics if value.metric == metric)
    points = [
        _point(shots_of(row[0]), metric, row, seeds.get(name, frozenset({name})))
        for name, row in by_row(members).items()
    ]
    points.sort(key=lambda point: (point.at is None, point.at or 0))
    zero_shot = None
    if alone:
        name = row_of(alone[0])
        zero_shot = _point(None, metric, alone, seeds.get(name, frozenset({name}))).mean
    return Curve(
        task=one.task,
        metric=metric,
        model=model_of(one),
        method=method_of(one),
        points=tuple(points),
        zero_shot=zero_shot,
        lower_is_better=kind.lower_is_better,
        is_fraction=(kind.least, kind.most) == (0, 1),
    )


def _point(shots: int | None, metric: str, row: Sequence[Result], seeds: frozenset[str]) -> CurvePoint:
    """The point of a row; as on the leaderboard, it has no mean if a seed is missing."""
    spread = spread_of(row, metric)
    if spread.mean is None or seeds != {each.model for each in row}:
        return CurvePoint(shots, len(row), None)
    values = [each.metric(metric) for each in row]
    low, high = _mean([each.ci_low for each in values]), _mean([each.ci_high for each in values])
    return CurvePoint(shots, len(row), spread.mean, spread.deviation, low, high)


def _mean(ends: Sequence[float | None]) -> float | None:
    known = [end for end in ends if end is not None]
    return fmean(known) if len(known) == len(ends) else None


def _are_of_several_weights(results: Sequence[Result]) -> bool:
    """Whether results of one model have several weights. Each seed of a row has its own weights."""
    weights: dict[str, set[tuple[str, ...]]] = {}
    for each in results:
        model = each.model.rpartition(f"+{each.method}")[0] if each.method else each.model
        if each.weights:
            weights.setdefault(model, set()).add(tuple(sorted(set(each.weights.values()))))
    return any(len(found) > 1 for found in weights.values())
