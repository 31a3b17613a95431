"""Figures of matplotlib: intervals, curves and a plane of two tasks, in the metrics' own units."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast

from vlbench.core.errors import Unsupported, VlbenchError
from vlbench.core.result import Result
from vlbench.report.tables.few_shot import Curve, few_shot_curves, primary_curves
from vlbench.report.tables.seeds import seeds_by_row
from vlbench.report.tables.steps import step_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawn = Literal["intervals", "few-shot", "steps", "scatter"]
"""What a figure shows."""
_WIDTH, _LINE, _HEIGHT = 4.8, 0.32, 3.6
"""The width of a part, the height of a model's line and that of a curve, in inches."""


def drawn(results: Sequence[Result], what: Drawn, tasks: Sequence[str]) -> "Figure":
    """Draw results, of all tasks or of some; see `Results.plot`.

    Raises:
        Unsupported: matplotlib is not installed.
        VlbenchError: there is nothing to draw, or no such task.
    """
    try:
        from matplotlib import pyplot
    except ModuleNotFoundError as error:
        raise Unsupported("a plot needs an extra: pip install 'vlbench[plots]'") from error
    if what not in _WANTED:
        raise VlbenchError(f"a plot of {what!r} is none of {', '.join(_WANTED)}")
    by_task: dict[str, list[Result]] = {}
    for each in results:
        by_task.setdefault(each.task, []).append(each)
    if lacking := [task for task in tasks if task not in by_task]:
        raise VlbenchError(f"no result on {lacking[0]}; there are {', '.join(by_task) or 'none'}")
    shown = {task: by_task[task] for task in tasks or by_task}
    parts = _parts(shown, what)
    if not parts:
        raise VlbenchError(f"nothing to draw: no result {_WANTED[what]}")
    height = _HEIGHT
    if what == "intervals":
        height = 1 + _LINE * max(map(len, shown.values()))
    figure, axes = pyplot.subplots(
        1, len(parts), figsize=(_WIDTH * len(parts), height), squeeze=False, layout="constrained"
    )
    pyplot.close(figure)  # it is the caller's, and shown once
    for axis, (title, draw) in zip(axes[0], parts.items(), strict=True):
        axis.set_title(title)
        draw(axis)
    return cast("Figure", figure)


_WANTED: Mapping[Drawn, str] = {
    "intervals": "is here",
    "few-shot": "is by a method with shots",
    "steps": "is of a step of a training run",
    "scatter": "is here",
}
"""What a figure needs of some result."""


def _parts(by_task: Mapping[str, Sequence[Result]], what: Drawn) -> Mapping[str, Callable[[Any], None]]:
    """What draws each part of a figure, by its title."""
    match what:
        case "intervals":
            return {task: partial(_intervals, results) for task, results in by_task.items()}
        case "scatter":
            return {" and ".join(by_task): partial(_scatter, by_task)} if by_task else {}
        case "few-shot":
            seeds = seeds_by_row(each for results in by_task.values() for each in results)
            curves = few_shot_curves(by_task, seeds)[0]
        case "steps":
            curves = step_curves(by_task)
    return {task: partial(_lines, of_task) for task, of_task in primary_curves(curves).items()}


def _intervals(results: Sequence[Result], axis: Any) -> None:
    """One line a model, the first on top."""
    for place, each in enumerate(reversed(results)):
        value = each.metric(each.primary)
        if value.value is not None:
            ends = [[abs(end - value.value)] for end in _ends(value.value, value.ci_low, value.ci_high)]
            axis.errorbar(value.value, place, xerr=ends, fmt="o", capsize=3, color="C0")
    axis.set_yticks(range(len(results)), [each.model for each in reversed(results)])
    axis.set_xlabel(_metric(results[0]))
    axis.grid(axis="x", alpha=0.3)


def _lines(curves: Sequence[Curve], axis: Any) -> None:
    """One line a curve, its intervals as bars; what is of all training images is a point at the right."""
    for number, curve in enumerate(curves):
        colour = f"C{number % 10}"
        known = [point for point in curve.scored if point.at is not None]
        means = [point.mean or 0.0 for point in known]
        ends = [_ends(point.mean or 0.0, point.low, point.high) for point in known]
        bars = [[abs(end[side] - mean) for end, mean in zip(ends, means, strict=True)] for side in (0, 1)]
        name = " ".join(filter(None, [curve.model, curve.method]))
        axis.errorbar(
            [point.at for point in known], means, yerr=bars, marker="o", capsize=3, color=colour, label=name
        )
        for point in known:
            if point.is_best:
                axis.plot(
                    point.at, point.mean, "o", ms=13, mfc="none", color=colour, label="best by validation"
                )
        for point in (each for each in curve.scored if each.at is None):
            axis.axhline(point.mean, color=colour, linestyle=":", label=f"{name}, all images")
        if curve.zero_shot is not None:
            axis.axhline(curve.zero_shot, color=colour, linestyle="--", label=f"{curve.model}, zero-shot")
    one = curves[0]
    if one.over == "shots":
        axis.set_xscale("log", base=2)
    axis.set_xlabel("training images of each class" if one.over == "shots" else "training step")
    axis.set_ylabel(f"{one.metric}{' (lower is better)' * one.lower_is_better}")
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small")


def _scatter(by_task: Mapping[str, Sequence[Result]], axis: Any) -> None:
    """The models with results on both of two tasks.

    Raises:
        VlbenchError: there are not two tasks, or no model has both.
    """
    if len(by_task) != 2:
        raise VlbenchError(f"a scatter is of two tasks, and there are {len(by_task)}; name two: tasks=[A, B]")
    across, up = by_task.values()
    others = {each.model: each for each in up}
    both = [(each, others[each.model]) for each in across if each.model in others]
    if not both:
        raise VlbenchError(f"no model has results on both {' and '.join(by_task)}")
    for number, (one, other) in enumerate(both):
        x, y = (each.metric(each.primary) for each in (one, other))
        if x.value is None or y.value is None:
            continue
        bars = {
            f"{name}err": [[abs(end - each.value)] for end in _ends(each.value, each.ci_low, each.ci_high)]
            for name, each in (("x", x), ("y", y))
            if each.value is not None
        }
        marker = "osD^v"[number // 10 % 5]  # colours are ten
        axis.errorbar(x.value, y.value, fmt=marker, capsize=3, label=one.model, **bars)
    # names at the points of good models would cover one another
    axis.figure.legend(loc="outside right center", fontsize="small")
    axis.set_xlabel(f"{across[0].task}: {_metric(across[0])}")
    axis.set_ylabel(f"{up[0].task}: {_metric(up[0])}")
    axis.grid(alpha=0.3)


def _ends(value: float, low: float | None, high: float | None) -> tuple[float, float]:
    """The ends of an interval; the value itself where it has none."""
    return (value if low is None else low, value if high is None else high)


def _metric(result: Result) -> str:
    return f"{result.primary}{' (lower is better)' * result.lower_is_better}"
