"""Which pictures a page has: a task's scores, or the means, against GFLOPs and against images/s."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from vlbench.report.site.addresses import link, row_page
from vlbench.report.site.data import mean_costs
from vlbench.report.site.pictures import Picture, Point, svg
from vlbench.report.site.values import Cost, Score, Site, SiteRow
from vlbench.report.tables.averages import MEAN
from vlbench.report.tables.few_shot_picture import few_shot_picture

_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture as SVG and what is said below it; no SVG where there is too little to draw."""

    title: str
    svg: str
    caption: str


@dataclass(frozen=True, slots=True)
class Measured:
    """A row, its score and its cost."""

    row: str
    score: Score
    cost: Cost


def of_task(rows: Iterable[SiteRow], task: str, metric: str, *, lower_is_better: bool) -> list[Drawn]:
    """A task's two pictures."""
    measured = [
        Measured(row.name, row.scores[task], row.costs[task])
        for row in rows
        if task in row.scores and row.scores[task].value is not None
    ]
    return _pictures(measured, metric, metric, "../", lower_is_better=lower_is_better)


def of_means(rows: Iterable[SiteRow]) -> list[Drawn]:
    """The two pictures of the means over tasks, of the rows that have one."""
    measured = [
        Measured(row.name, Score(float(row.cells[MEAN])), mean_costs(row))
        for row in rows
        if row.cells.get(MEAN)
    ]
    return _pictures(measured, "mean over tasks", "Mean over tasks", "")


def of_curves(site: Site, *, task: str = "", model: str = "") -> list[str]:
    """Few-shot curves as SVG: of all models on a task, or of a model on every task."""
    found: list[str] = []
    for name, curves in site.curves.items():
        if task in ("", name):
            shown = [each for each in curves if model in ("", each.model)]
            found.append(few_shot_picture(shown, f"few-shot-{len(found)}"))
    return list(filter(None, found))


def _pictures(
    measured: Sequence[Measured], metric: str, title: str, up: str, *, lower_is_better: bool = False
) -> list[Drawn]:
    flops = _drawn(
        measured,
        _Question(
            f"{title} against GFLOPs", "GFLOPs an image, image side (logarithmic)", metric, "less", "flops"
        ),
        lambda cost: cost.gflops,
        up,
        lower_is_better=lower_is_better,
    )
    devices = [each.cost.device for each in measured if each.cost.images_per_second is not None]
    device = min(set(devices), key=lambda name: (-devices.count(name), name)) if devices else ""
    on_device = [each for each in measured if each.cost.device == device]
    speed = _drawn(
        on_device,
        _Question(f"{title} against images/s", "Images/s (logarithmic)", metric, "more", "speed"),
        lambda cost: cost.images_per_second,
        up,
        where=f"Measured on {device}. " if device else "",
        all_rows=len(measured),
        lower_is_better=lower_is_better,
    )
    return [flops, speed]


@dataclass(frozen=True, slots=True)
class _Question:
    title: str
    cost: str
    score: str
    better: Literal["less", "more"]
    identity: str


def _drawn(
    measured: Sequence[Measured],
    question: _Question,
    cost_of: Callable[[Cost], float | None],
    up: str,
    *,
    lower_is_better: bool,
    where: str = "",
    all_rows: int | None = None,
) -> Drawn:
    points = []
    for each in measured:
        cost = cost_of(each.cost)
        if cost is not None and cost > 0 and each.score.value is not None:
            page = link(row_page(each.row), up)
            points.append(Point(each.row, cost, each.score.value, each.score.low, each.score.high, page))
    missing = (len(measured) if all_rows is None else all_rows) - len(points)
    if len(points) < _FEWEST:
        what = "GFLOPs on a card" if question.identity == "flops" else "a measured speed"
        return Drawn(question.title, "", f"not drawn, as fewer than two models have {what}.")
    cheap = "cheaper" if question.better == "less" else "faster"
    left_out = f" {missing} without a figure left out." if missing else ""
    caption = f"{where}The line is the Pareto front: no model beyond it is both better and {cheap}.{left_out}"
    picture = Picture(
        question.title,
        question.cost,
        question.score,
        question.better,
        tuple(points),
        lower_is_better,
    )
    return Drawn(question.title, svg(picture, question.identity), caption)
