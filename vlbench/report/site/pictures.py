"""Accuracy against cost as inline SVG: points, intervals, Pareto front, and labels that do not overlap."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from vlbench.report.axes import Axis, logarithmic_axis, straight_axis, written

Better = Literal["less", "more"]
"""Whether a lower cost or a higher speed is better."""

WIDTH, HEIGHT = 520, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 14, 46
_LETTER, _LINE = 6.4, 14.0
"""The width and height of a letter in a label, in units of the picture."""

_LABELLED = 14
"""Up to this many points are all labelled; of more, those on the front."""

_WITH_INTERVALS = 40
"""Up to this many points show their intervals; with more they would overlap."""

_LONGEST = 26


@dataclass(frozen=True, slots=True)
class ModelPoint:
    """A model: its cost, its score with an interval if it has one, and its page."""

    name: str
    cost: float
    score: float
    low: float | None
    high: float | None
    page: str


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn: names of the axes, and the better direction of cost or speed and of the score."""

    title: str
    cost: str
    score: str
    better: Better
    points: tuple[ModelPoint, ...]
    lowest_first: bool = False


@dataclass(frozen=True, slots=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "_Box") -> bool:
        apart = self.right < other.left or other.right < self.left
        return not (apart or self.bottom < other.top or other.bottom < self.top)


def pareto_front(
    points: Sequence[ModelPoint], better: Better, *, lowest_first: bool = False
) -> tuple[ModelPoint, ...]:
    """The points that no other point beats at the same or lower cost, cheapest (or fastest) first."""
    sign = 1.0 if better == "less" else -1.0
    upwards = -1.0 if lowest_first else 1.0
    front: list[ModelPoint] = []
    for point in sorted(points, key=lambda each: (sign * each.cost, -upwards * each.score, each.name)):
        if not front or upwards * point.score > upwards * front[-1].score:
            front.append(point)
    return tuple(front)


def svg(picture: Picture, identity: str) -> str:
    """The picture as an SVG element; colours are the page's CSS variables, points link to pages.

    `identity` makes the ids of its title and description unique in a page.
    """
    points = sorted(picture.points, key=lambda each: each.name)
    across = logarithmic_axis([each.cost for each in points])
    heights = [each.score for each in points]
    up = straight_axis(heights)
    front = pareto_front(points, picture.better, lowest_first=picture.lowest_first)
    best = {each.name for each in front}
    few = len(points) <= _WITH_INTERVALS
    drawn = {each.name: (_x(across, each.cost), _y(up, each.score)) for each in points}
    names = ", ".join(each.name for each in front)
    parts = [
        f'<svg class="picture" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-labelledby="{identity}-title {identity}-text">',
        f'<title id="{identity}-title">{escape(picture.title)}</title>',
        f'<desc id="{identity}-text">{len(points)} models. On the Pareto front: {escape(names)}.</desc>',
        *_grid(across, up, picture),
        _front_path([drawn[each.name] for each in front]),
        *(_mark(each, drawn[each.name], up, best=each.name in best, whiskers=few) for each in points),
        *_labels(points, front, drawn),
        "</svg>",
    ]
    return "".join(parts)


def _x(axis: Axis, value: float) -> float:
    return round(_LEFT + axis.place(value) * (WIDTH - _LEFT - _RIGHT), 1)


def _y(axis: Axis, value: float) -> float:
    inside = min(max(axis.place(value), 0.0), 1.0)
    return round(HEIGHT - _BOTTOM - inside * (HEIGHT - _TOP - _BOTTOM), 1)


def _grid(across: Axis, up: Axis, picture: Picture) -> list[str]:
    floor, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    lines = ['<g class="grid" aria-hidden="true">']
    for tick in up.ticks:
        y = _y(up, tick)
        lines.append(f'<path d="M{_LEFT} {y}H{right}"/>')
        lines.append(f'<text x="{_LEFT - 7}" y="{y + 4}" text-anchor="end">{written(tick)}</text>')
    for tick in across.ticks:
        x = _x(across, tick)
        lines.append(f'<path d="M{x} {floor}v5"/>')
        lines.append(f'<text x="{x}" y="{floor + 19}" text-anchor="middle">{written(tick)}</text>')
    middle = (_LEFT + right) / 2
    lines.append(f'<path class="axis" d="M{_LEFT} {floor}H{right}"/>')
    lines.append(
        f'<text class="name" x="{middle}" y="{HEIGHT - 7}" text-anchor="middle">{escape(picture.cost)}</text>'
    )
    turned = (_TOP + floor) / 2
    lines.append(
        f'<text class="name" transform="translate(13 {turned}) rotate(-90)" text-anchor="middle">'
        f"{escape(picture.score)}</text></g>"
    )
    return lines


def _front_path(places: Sequence[tuple[float, float]]) -> str:
    """A step curve: up to the cost of the next point, the best score is that of the previous one."""
    (x, y), *others = places
    steps = "".join(f"H{right}V{top}" for right, top in others)
    return f'<path class="front" d="M{x} {y}{steps}"/>'


def _mark(point: ModelPoint, place: tuple[float, float], up: Axis, *, best: bool, whiskers: bool) -> str:
    x, y = place
    whisker = ""
    if whiskers and point.low is not None and point.high is not None:
        whisker = f'<path d="M{x} {_y(up, point.low)}V{_y(up, point.high)}"/>'
    said = f"{point.name}: {point.score:.3f} at {written(round(point.cost, 3))}"
    kind = ' class="best"' if best else ""
    return (
        f'<a href="{escape(point.page)}"{kind} tabindex="-1">{whisker}<circle cx="{x}" cy="{y}" r="4">'
        f"<title>{escape(said)}</title></circle></a>"
    )


def _labels(
    points: Sequence[ModelPoint], front: Sequence[ModelPoint], drawn: dict[str, tuple[float, float]]
) -> list[str]:
    """Labels right of, left of, above or below their points, where they cover nothing; else no label."""
    best = {each.name for each in front}
    others = [each for each in points if each.name not in best] if len(points) <= _LABELLED else []
    taken = [_Box(x - 5, y - 5, x + 5, y + 5) for x, y in drawn.values()]
    found = []
    for point in [*front, *others]:
        name = point.name if len(point.name) <= _LONGEST else f"{point.name[: _LONGEST - 1]}…"
        x, y = drawn[point.name]
        wide = len(name) * _LETTER
        own = _Box(x - 5, y - 5, x + 5, y + 5)
        for at_x, at_y, anchor, left in (
            (x + 8, y + 4, "start", x + 7),
            (x - 8, y + 4, "end", x - 8 - wide),
            (x, y - 9, "middle", x - wide / 2),
            (x, y + 18, "middle", x - wide / 2),
        ):
            box = _Box(left, at_y - _LINE + 4, left + wide, at_y + 3)
            inside = _LEFT <= left and box.right <= WIDTH - 2 and 0 <= box.top < box.bottom < HEIGHT - _BOTTOM
            if inside and not any(box.meets(other) for other in taken if other != own):
                taken.append(box)
                kind = ' class="best"' if point.name in best else ""
                found.append(
                    f'<text{kind} aria-hidden="true" x="{round(at_x, 1)}" y="{round(at_y, 1)}" '
                    f'text-anchor="{anchor}">{escape(name)}</text>'
                )
                break
    return found
