"""The pictures of a page: scores of a task, or means, against GFLOPs and against images/s."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vlbench.core.result import Result
from vlbench.report.site.addresses import row_link
from vlbench.report.site.data import mean_costs, most_used
from vlbench.report.site.pictures import Better, ModelPoint, Picture, svg
from vlbench.report.site.values import Cost, Score, Site, SiteRow
from vlbench.report.tables.averages import MEAN
from vlbench.report.tables.few_shot_picture import few_shot_picture

_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture as SVG and its caption; no SVG if there is too little to draw."""

    title: str
    svg: str
    caption: str


Priced = tuple[str, Score, Cost]
"""A row's name, its score and its cost."""


def of_task(rows: Iterable[SiteRow], one: Result) -> list[Drawn]:
    """The two pictures for the task of a result."""
    priced = [
        (row.name, row.scores[one.task], row.costs[one.task])
        for row in rows
        if one.task in row.scores and row.scores[one.task].value is not None
    ]
    return _pictures(priced, one.primary, one.primary, "../", lower_is_better=one.lower_is_better)


def of_means(rows: Iterable[SiteRow]) -> list[Drawn]:
    """The two pictures for the means over tasks, with the rows that have one."""
    priced = [
        (row.name, Score(float(row.cells[MEAN])), mean_costs(row)) for row in rows if row.cells.get(MEAN)
    ]
    return _pictures(priced, "mean over tasks", "Mean over tasks", "", lower_is_better=False)


def of_curves(site: Site, *, task: str = "", model: str = "") -> list[str]:
    """Few-shot curves as SVG: of all models on a task, or of a model on every task."""
    found: list[str] = []
    for name, curves in site.curves.items():
        if task in ("", name):
            shown = [each for each in curves if model in ("", each.model)]
            found.append(few_shot_picture(shown, f"few-shot-{len(found)}"))
    return list(filter(None, found))


def of_training(site: Site, task: str) -> list[str]:
    """The training curves of a task as SVG."""
    return list(filter(None, [few_shot_picture(site.training.get(task, ()), "training")]))


def _pictures(
    priced: Sequence[Priced], metric: str, title: str, up: str, *, lower_is_better: bool
) -> list[Drawn]:
    device = most_used(cost for _, _, cost in priced)
    gflops = [(row, score, cost.gflops) for row, score, cost in priced]
    speeds = [(row, score, cost.images_per_second) for row, score, cost in priced if cost.device == device]
    found = []
    for costs, name, axis, identity in (
        (gflops, "GFLOPs", "GFLOPs an image, image side", "flops"),
        (speeds, "images/s", "Images/s", "speed"),
    ):
        better: Better = "less" if identity == "flops" else "more"
        points = tuple(
            ModelPoint(row, cost, score.value, score.low, score.high, row_link(row, up))
            for row, score, cost in costs
            if cost is not None and cost > 0 and score.value is not None
        )
        picture = Picture(
            f"{title} against {name}", f"{axis} (logarithmic)", metric, better, points, lower_is_better
        )
        where = f"Measured on {device}. " if better == "more" and device else ""
        found.append(_drawn(picture, identity, where, missing=len(priced) - len(points)))
    return found


def _drawn(picture: Picture, identity: str, where: str, *, missing: int) -> Drawn:
    is_cost = picture.better == "less"
    if len(picture.points) < _FEWEST:
        what = "GFLOPs on a card" if is_cost else "a measured speed"
        return Drawn(picture.title, "", f"not drawn, as fewer than two models have {what}.")
    caption = (
        f"{where}The line is the Pareto front: no model beyond it is both better and "
        f"{'cheaper' if is_cost else 'faster'}.{f' {missing} without a figure left out.' if missing else ''}"
    )
    return Drawn(picture.title, svg(picture, identity), caption)
