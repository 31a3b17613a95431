"""Few-shot and training curves of a task as SVG: bars for seeds, lighter bands for images, dashes for the
model alone, rings around steps that a validation split chose."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise

from vlbench.core.files import file_name
from vlbench.report.axes import Axis, straight_axis, written
from vlbench.report.tables.few_shot import FEW_SHOT, PICTURE, ROOT, Curve, CurvePoint, primary_curves
from vlbench.report.tables.few_shot_legend import (
    LEFT,
    LETTER,
    ROW,
    WIDEST,
    WIDTH,
    legend,
    look,
    short,
    xml_text,
)
from vlbench.report.tables.steps import STEPS

_RIGHT, _TOP, _FLOOR = 14, 58, 330
_ALL, _INSET = 76, 34
"""The space at the right for points of all training images, and between the frame and the outer points."""

_NEAR = 2.0
"""The distance from which lines do not hide one another."""

_ALONE = "svg { color-scheme: light dark; }"
MOST_LINES, MOST_MODELS = 12, 8
"""The most lines, and the most models (one colour each), that can be told apart; of more, the best are
drawn."""


@dataclass(frozen=True, slots=True)
class _Words:
    """What the title, the description and the axis of a picture say, and the file that has all lines."""

    title: str
    curves: str
    against: str
    axis: str
    file: str


_WORDS: Mapping[str, _Words] = {
    "shots": _Words(
        "Few-shot",
        "Few-shot curves",
        "training images of each class",
        "Training images of each class (logarithmic)",
        FEW_SHOT,
    ),
    "steps": _Words("Training", "Training curves", "training steps", "Training step", STEPS),
}


@dataclass(frozen=True, slots=True)
class _Frame:
    """The positions of shots and scores; a score times `scale` is in the unit of the axis `up`.

    `asides` shifts each line to the side, so that bars do not overlap; `width` is the width of a band.
    """

    across: Mapping[int | None, float]
    up: Axis
    scale: float
    width: float
    asides: tuple[float, ...]

    def y(self, value: float) -> float:
        """The height of a score; scores outside the axis are drawn at its end."""
        inside = min(max(self.up.place(value * self.scale), 0.0), 1.0)
        return round(_FLOOR - inside * (_FLOOR - _TOP), 1)


def few_shot_picture(curves: Iterable[Curve], identity: str, style: str = "") -> str:
    """The curves of one task and metric as an SVG element. Colours are classes of `curves.css`.

    `identity` makes the ids of its title and description unique in a page; `style` is the CSS for a separate
    file. Empty if no point has a score.
    """
    known = [each for each in curves if each.scored]
    if not known:
        return ""
    drawn, words = _best(known), _WORDS[known[0].over]
    frame = _frame(drawn)
    key, height = legend(drawn, _FLOOR + 68.0)
    if len(drawn) < len(known):
        told = f"{len(drawn)} of {len(known)} lines, those of the best points; {words.file} has all"
        key.append(f'<text x="{LEFT}" y="{height}">{told}</text>')
        height += ROW
    one = drawn[0]
    names = ", ".join(map(_name, drawn))
    parts = [
        f'{ROOT} viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-labelledby="{identity}-title {identity}-text">',
        f"<style>{style}</style>" if style else "",
        f'<title id="{identity}-title">{words.curves} on {xml_text(one.task)}</title>',
        f'<desc id="{identity}-text">{xml_text(one.metric)} against {words.against}: '
        f"{xml_text(names)}.</desc>",
        f'<rect class="ground" width="{WIDTH}" height="{height}"/>',
        *_grid(one, frame),
        *_zero_shots(drawn, frame),
        *(part for at, curve in enumerate(drawn) for part in _line(curve, at, frame, look(curve, drawn))),
        *key,
        "</svg>",
    ]
    return "".join(parts)


def few_shot_files(curves: Sequence[Curve], ending: str = PICTURE) -> dict[str, str]:
    """The pictures by file name, one per task, for the primary metric."""
    style = files("vlbench.report.site").joinpath("static", "curves.css").read_text(encoding="utf-8")
    found = {
        f"{file_name(task)}{ending}": few_shot_picture(known, "few-shot", f"{_ALONE}\n{style}")
        for task, known in primary_curves(curves).items()
    }
    return {name: f"{svg}\n" for name, svg in found.items() if svg}


def _best(curves: Sequence[Curve]) -> list[Curve]:
    """The curves with the best points, as many as can be told apart, by model and method."""
    upwards = -1.0 if curves[0].lower_is_better else 1.0
    chosen: list[Curve] = []
    for curve in sorted(
        curves,
        key=lambda each: (min(-upwards * (it.mean or 0.0) for it in each.scored), each.model, each.method),
    ):
        models = {each.model for each in chosen} | {curve.model}
        if len(chosen) < MOST_LINES and len(models) <= MOST_MODELS:
            chosen.append(curve)
    return sorted(chosen, key=lambda each: (each.model, each.method))


def _frame(drawn: Sequence[Curve]) -> _Frame:
    points = [point for curve in drawn for point in curve.scored]
    shots = sorted({point.at for point in points if point.at is not None})
    has_all = any(point.at is None for point in points)
    right = WIDTH - _RIGHT - _ALL * has_all
    left, wide = LEFT + _INSET, right - LEFT - 2 * _INSET
    place = math.log if drawn[0].over == "shots" else float
    span = place(shots[-1]) - place(shots[0]) if shots else 0.0
    across: dict[int | None, float] = {
        each: round(left + wide * ((place(each) - place(shots[0])) / span if span else 0.5), 1)
        for each in shots
    }
    if has_all:
        across[None] = WIDTH - _RIGHT - _ALL / 2
    gap = min((after - before for before, after in pairwise(across.values())), default=float(_ALL))
    step = min(WIDEST + 1, 0.7 * min(gap, _ALL) / len(drawn))
    asides = tuple(round((at - (len(drawn) - 1) / 2) * step, 1) for at in range(len(drawn)))
    scale = 100.0 if all(curve.is_fraction for curve in drawn) else 1.0
    ends = [end for point in points for end in _ends(point)]
    ends += [curve.zero_shot for curve in drawn if curve.zero_shot is not None]
    if scale > 1:  # no ticks below 0 or above 100 %, wherever a deviation reaches
        ends = [min(max(end, 0.0), 1.0) for end in ends]
    up = straight_axis([end * scale for end in ends], count=7)
    if scale > 1:
        ticks = tuple(tick for tick in up.ticks if 0 <= tick <= scale)
        up = Axis(max(up.low, 0.0), min(up.high, scale), ticks)
    return _Frame(across, up, scale, round(min(WIDEST, max(step - 1, 1.5)), 1), asides)


def _ends(point: CurvePoint) -> Iterator[float]:
    mean, deviation = point.mean or 0.0, point.deviation or 0.0
    yield from (mean - deviation, mean + deviation)
    yield from (end for end in (point.low, point.high) if end is not None)


def _grid(one: Curve, frame: _Frame) -> Iterator[str]:
    right = WIDTH - _RIGHT
    unit = f"{one.metric}, %" if frame.scale > 1 else one.metric
    unit += " (lower is better)" if one.lower_is_better else ""
    if frame.up.low > 0 or frame.up.high < 0:
        unit += f" · the scale begins at {written(frame.up.low)}, not at 0"
    title = f"{_WORDS[one.over].title}: {xml_text(short(one.task, 64))}"
    yield f'<text class="title" x="{LEFT}" y="20">{title}</text>'
    yield f'<text x="{LEFT}" y="40">{xml_text(unit)}</text>'
    for tick in frame.up.ticks:
        y = frame.y(tick / frame.scale)
        yield f'<path class="grid" d="M{LEFT} {y}H{right}"/>'
        yield f'<text x="{LEFT - 7}" y="{y + 4}" text-anchor="end">{written(tick)}</text>'
    free = 0.0
    for shots, x in frame.across.items():
        name = "all" if shots is None else f"{shots:,}"
        yield f'<path class="axis" d="M{x} {_FLOOR}v5"/>'
        half = len(name) * LETTER / 2
        if x - half > free:  # numbers that would run into one another are left out, their ticks stay
            yield f'<text x="{x}" y="{_FLOOR + 19}" text-anchor="middle">{name}</text>'
            free = x + half + 4
    yield f'<path class="axis" d="M{LEFT} {_FLOOR}H{right}"/>'
    if None in frame.across:
        yield f'<path class="axis" d="M{right - _ALL} {_TOP}V{_FLOOR}"/>'
    yield (
        f'<text class="name" x="{(LEFT + right - _ALL * (None in frame.across)) / 2}" y="{_FLOOR + 38}" '
        f'text-anchor="middle">{_WORDS[one.over].axis}</text>'
    )


def _zero_shots(drawn: Sequence[Curve], frame: _Frame) -> Iterator[str]:
    """One dashed line per model; dashes of overlapping lines alternate."""
    scores = {look(each, drawn)[0]: each for each in drawn if each.zero_shot is not None}
    heights = {colour: frame.y(each.zero_shot or 0.0) for colour, each in scores.items()}
    for colour, y in heights.items():
        near = [other for other, height in heights.items() if abs(height - y) < _NEAR]
        said = f"{scores[colour].model} zero-shot: {_number(scores[colour].zero_shot, frame)}"
        yield (
            f'<g class="{colour}"><path class="zero-shot" stroke-dasharray="7 {12 * len(near) - 7}" '
            f'stroke-dashoffset="{-12 * near.index(colour)}" d="M{LEFT} {y}H{WIDTH - _RIGHT}">'
            f"<title>{xml_text(said)}</title></path></g>"
        )


def _line(curve: Curve, at: int, frame: _Frame, look: tuple[str, str]) -> Iterator[str]:
    """The bands, bars, line and marks of a curve, each point with a title.

    The point for all images is apart.
    """
    colour, mark = look
    size = round(min(1.0, 0.4 + frame.width / 15), 2)
    yield f'<g class="{colour}">'
    places = [
        (point, round(frame.across[point.at] + frame.asides[at], 1), frame.y(point.mean or 0.0))
        for point in curve.scored
    ]
    for point, x, _ in places:
        if point.low is not None and point.high is not None:
            band = f"M{x} {frame.y(point.low)}V{frame.y(point.high)}"
            yield f'<path class="images" stroke-width="{frame.width}" d="{band}"/>'
    joined = [f"{x} {y}" for point, x, y in places if point.at is not None]
    if len(joined) > 1:
        yield f'<path class="line" d="M{"L".join(joined)}"/>'
    for point, x, y in places:
        if point.deviation is not None:
            mean = point.mean or 0.0
            low, high = frame.y(mean - point.deviation), frame.y(mean + point.deviation)
            cap = min(frame.width, 6.0)
            ends = "".join(f"M{round(x - cap / 2, 1)} {end}h{cap}" for end in (low, high))
            yield f'<path class="seeds" d="M{x} {low}V{high}{ends}"/>'
        said = xml_text(_said(curve, point, frame))
        ring = '<circle class="best" r="9"/>' if point.is_best else ""
        yield f'<g transform="translate({x} {y}) scale({size})">{ring}{mark}<title>{said}</title></g>'
    yield "</g>"


def _said(curve: Curve, point: CurvePoint, frame: _Frame) -> str:
    if curve.over == "steps":
        where = f"step {point.at}{', the best by the validation split' * point.is_best}"
    else:
        where = "all images" if point.at is None else f"{point.at} shot{'s' * (point.at > 1)}"
    said = f"{_name(curve)}, {where}: {_number(point.mean, frame)}"
    if point.deviation is not None:
        said += f" ± {_number(point.deviation, frame)} over {point.seeds} seeds"
    if point.low is not None and point.high is not None:
        said += f", images {_number(point.low, frame)} to {_number(point.high, frame)}"
    return said


def _name(curve: Curve) -> str:
    return f"{curve.model} by {curve.method}" if curve.method else curve.model


def _number(value: float | None, frame: _Frame) -> str:
    return f"{(value or 0.0) * frame.scale:.{1 if frame.scale > 1 else 4}f}"
