"""Few-shot curves: scores against the number of training images of each class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from vlbench.core.result import Result
from vlbench.report.table import Table, number
from vlbench.report.tables.seeds import by_row, row_of, spread_of

FEW_SHOT = "few_shot.csv"
PICTURE = ".few_shot.svg"
"""How the file of a task's picture ends."""

ROOT = '<svg xmlns="http://www.w3.org/2000/svg" class="curves"'
"""How such a picture begins, which tells it from a user's own."""

FEW_SHOT_HEAD = (
    *("task", "metric", "model", "method", "shots", "seeds"),
    *("mean", "deviation", "low", "high", "zero_shot"),
)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A leaderboard row on a curve; `shots` is None for all training images.

    `mean` and `deviation` (n - 1) are over the row's seeds, as in `SeedSpread`. `low` and `high` are the ends
    of the 95 % interval over test images: of one seed its own, of several the means of theirs. Seeds score
    the same images, so that the interval of their mean is about as wide, and no wider.
    """

    shots: int | None
    seeds: int
    mean: float | None
    deviation: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric of a model and a method on a task: points by shots, that of all images last.

    `method` has the digest of its other settings and no shots. `zero_shot` is the score of the model alone,
    None where it has none in the task's column. `is_fraction` says whether values lie between 0 and 1.
    """

    task: str
    metric: str
    model: str
    method: str
    points: tuple[CurvePoint, ...]
    zero_shot: float | None
    lower_is_better: bool = False
    is_fraction: bool = True

    @property
    def scored(self) -> tuple[CurvePoint, ...]:
        """The points with a mean."""
        return tuple(point for point in self.points if point.mean is not None)


def few_shot_curves(
    by_task: Mapping[str, Sequence[Result]], seeds: Mapping[str, frozenset[str]]
) -> tuple[tuple[Curve, ...], tuple[str, ...]]:
    """Every metric's curves by task, model and method, and a line for each that is left out, and why.

    `by_task` are results that may stand together, `seeds` the models of rows of seeds. There are curves of
    the methods that some result on the task states shots of; those of several weights under one name are
    left out.
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
    """The text of `few_shot.csv`, a line a point; empty without curves."""
    lines = [
        [
            *(curve.task, curve.metric, curve.model, curve.method),
            *("" if point.shots is None else point.shots, point.seeds),
            *map(number, (point.mean, point.deviation, point.low, point.high, curve.zero_shot)),
        ]
        for curve in curves
        for point in curve.points
    ]
    return Table(FEW_SHOT_HEAD, lines).csv() if lines else ""


def primary_curves(curves: Sequence[Curve]) -> dict[str, tuple[Curve, ...]]:
    """The curves of the primary metric, which is the first of each, by task."""
    first = {curve.task: curve.metric for curve in reversed(curves)}
    return {
        task: tuple(each for each in curves if (each.task, each.metric) == (task, metric))
        for task, metric in sorted(first.items())
    }


def shots_of(result: Result) -> int | None:
    """The number of images of each class that a result's method learned from; None where it states none."""
    shots = result.settings.get("shots")
    return shots if isinstance(shots, int) and shots > 0 else None


def method_of(result: Result) -> str:
    """A result's method as its row says, without the shots."""
    shots = shots_of(result)
    return result.method.replace(f"@{shots}", "", 1) if shots else result.method


def model_of(result: Result) -> str:
    """The row of a result's model alone, without its method."""
    return row_of(result).removesuffix(f"+{result.method}" if result.method else "")


def _curve(
    metric: str, members: Sequence[Result], alone: Sequence[Result], seeds: Mapping[str, frozenset[str]]
) -> Curve:
    """The curve of results of one task, model and method; `alone` are those of the model without any."""
    one = members[0]
    kind = next(value for each in members for value in each.metrics if value.metric == metric)
    points = [
        _point(shots_of(row[0]), metric, row, seeds.get(name, frozenset({name})))
        for name, row in by_row(members).items()
    ]
    points.sort(key=lambda point: (point.shots is None, point.shots or 0))
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
    """A row's point, without a mean where a seed is missing, as on the leaderboard."""
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
    """Whether results of one model have several weights; each seed of a row has its own."""
    weights: dict[str, set[tuple[str, ...]]] = {}
    for each in results:
        model = each.model.rpartition(f"+{each.method}")[0] if each.method else each.model
        if each.weights:
            weights.setdefault(model, set()).add(tuple(sorted(set(each.weights.values()))))
    return any(len(found) > 1 for found in weights.values())
