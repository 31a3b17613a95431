"""Training curves: scores of the checkpoints of a run against their steps, and the best of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from vlbench.core.result import Result
from vlbench.report.table import Table, number
from vlbench.report.tables.few_shot import Curve, CurvePoint

STEPS = "steps.csv"
STEPS_HEAD = ("task", "metric", "model", "step", "value", "low", "high", "validation", "best")
STEPS_PICTURE = ".steps.svg"
"""The ending of the file of a task's picture."""
VALIDATION = "validation_"
"""How a result names the metric that its checkpoint has on the validation split."""


def step_curves(by_task: Mapping[str, Sequence[Result]]) -> tuple[Curve, ...]:
    """The curves of every metric by task and run, whose results record their steps."""
    curves: list[Curve] = []
    for task, results in sorted(by_task.items()):
        runs: dict[str, list[Result]] = {}
        for each in results:
            if "step" in each.settings:
                runs.setdefault(str(each.settings["steps_of"]), []).append(each)
        for run, members in sorted(runs.items()):
            members.sort(key=_step_of)
            measured = (value.metric for each in members for value in each.metrics)
            metrics = dict.fromkeys([members[0].primary, *measured])
            curves += _marked([_curve(task, metric, run, members) for metric in metrics])
    return tuple(curves)


def step_points(curves: Sequence[Curve]) -> list[tuple[Curve, CurvePoint]]:
    """Every point with its curve, in the order of `steps.csv`."""
    return [(curve, point) for curve in curves for point in curve.points]


def steps_text(curves: Sequence[Curve]) -> str:
    """The text of `steps.csv`, one line per point; empty without curves."""
    lines = [
        [
            *(curve.task, curve.metric, curve.model, point.at),
            *map(number, (point.mean, point.low, point.high, point.validation)),
            "1" if point.is_best else "",
        ]
        for curve, point in step_points(curves)
    ]
    return Table(STEPS_HEAD, lines).csv() if lines else ""


def best_step(curve: Curve) -> CurvePoint | None:
    """The point that the validation split chooses; None where a point has no score on it."""
    return next((point for point in curve.points if point.is_best), None)


def _step_of(result: Result) -> int:
    return int(result.settings["step"])


def _curve(task: str, metric: str, run: str, members: Sequence[Result]) -> Curve:
    points = []
    kind = next(value for each in members for value in each.metrics if value.metric == metric)
    for each in members:
        value = next((value for value in each.metrics if value.metric == metric), None)
        validation = each.learned.get(f"{VALIDATION}{metric}")
        points.append(
            CurvePoint(
                _step_of(each),
                1,
                value.value if value else None,
                low=value.ci_low if value else None,
                high=value.ci_high if value else None,
                validation=float(validation) if isinstance(validation, int | float) else None,
            )
        )
    return Curve(
        task=task,
        metric=metric,
        model=run,
        method="",
        points=tuple(points),
        zero_shot=None,
        lower_is_better=kind.lower_is_better,
        is_fraction=(kind.least, kind.most) == (0, 1),
        over="steps",
    )


def _marked(curves: Sequence[Curve]) -> list[Curve]:
    """The curves of one run on a task, each with the step marked that the first one's validation chooses.

    Of equal scores the earliest step is the best.
    """
    first = curves[0]
    known = [point.validation for point in first.points if point.validation is not None]
    if len(known) < len(first.points):
        return list(curves)
    best = min(known) if first.lower_is_better else max(known)
    at = next(point.at for point in first.points if point.validation == best)
    return [
        replace(curve, points=tuple(replace(point, is_best=point.at == at) for point in curve.points))
        for curve in curves
    ]
