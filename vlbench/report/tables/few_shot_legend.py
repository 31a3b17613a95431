"""The legend of few-shot curves: one colour per model, one mark per method, dashes for the model alone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from vlbench.report.tables.few_shot import Curve

WIDTH, LEFT = 640, 48
WIDEST = 9.0
"""The width of a band, which is the interval over images."""

LETTER, ROW, _SAMPLE = 6.7, 19, 34
"""The width of a letter, the height of a row, and the width of the sample before the words."""

_LONGEST = 30
_MARKS = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
    "M-3.5 -3.5h7v7h-7z",
    "M0 -5l4.6 8.4h-9.2z",
    "M0 -5l5 5l-5 5l-5 -5z",
    "M0 5l4.6 -8.4h-9.2z",
    "M-5 -1.6h3.4v-3.4h3.2v3.4h3.4v3.2h-3.4v3.4h-3.2v-3.4h-3.4z",
)
"""The outlines of marks, one per method; first filled, then open."""

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class _Sample:
    """An entry of the legend: the sample drawn around (0, 0), its colour class, its words, and the full
    words."""

    drawn: str
    colour: str
    name: str
    title: str


def look(curve: Curve, drawn: Sequence[Curve]) -> tuple[str, str]:
    """The colour class of a curve, one per model, and its mark, one per method."""
    colour = sorted({each.model for each in drawn}).index(curve.model)
    method = sorted({each.method for each in drawn}).index(curve.method)
    is_open = " open" * (method // len(_MARKS) % 2)
    return f"c{colour}", f'<path class="mark{is_open}" d="{_MARKS[method % len(_MARKS)]}"/>'


def legend(drawn: Sequence[Curve], top: float) -> tuple[list[str], float]:
    """Draw the legend: rows for each model, then bars and bands. Also returns the height below it."""
    entries: list[_Sample] = []
    for curve in drawn:
        colour, mark = look(curve, drawn)
        line = f'<path class="line" d="M-13 0H13"/>{mark}'
        named = [(line, curve.method)]
        if curve.zero_shot is not None and colour not in {each.colour for each in entries}:
            dashes = '<path class="zero-shot" stroke-dasharray="7 5" d="M-13 0H13"/>'
            named.insert(0, (dashes, "zero-shot"))
        for sample, method in named:
            name = f"{short(curve.model, _LONGEST)} {short(method, _LONGEST)}".rstrip()
            entries.append(_Sample(sample, colour, name, f"{curve.model} {method}".rstrip()))
    points = [point for curve in drawn for point in curve.scored]
    key = []
    if any(point.deviation is not None for point in points):
        name = "± standard deviation over seeds"
        key.append(_Sample('<path class="seeds" d="M0 -7V7M-3 -7h6M-3 7h6"/>', "plain", name, name))
    if any(point.low is not None for point in points):
        name = "95 % interval over test images"
        band = f'<path class="images" stroke-width="{WIDEST}" d="M0 -7V7"/>'
        key.append(_Sample(band, "plain", name, name))
    if any(point.is_best for point in points):
        ring = '<circle class="best" r="7"/>'
        name = "best by the validation split"
        key.append(_Sample(ring, "plain", name, name))
    parts, height = _rows(entries, top)
    more, height = _rows(key, height + 4)
    return [*parts, *more], height


def _rows(samples: Sequence[_Sample], top: float) -> tuple[list[str], float]:
    """Place samples side by side where there is room; each colour begins a new row."""
    widest = max((len(each.name) for each in samples), default=0) * LETTER + _SAMPLE + 12
    columns = max(1, min(4, int((WIDTH - LEFT) // widest)))
    parts: list[str] = []
    column, y, colour = 0, top - ROW, ""
    for each in samples:
        if each.colour != colour or column == columns:
            column, y, colour = 0, y + ROW, each.colour
        x = round(LEFT + column * max(widest, (WIDTH - LEFT) / 4), 1)
        column += 1
        parts.append(
            f'<g class="{each.colour}" transform="translate({x + 13} {y - 4})">{each.drawn}</g>'
            f'<text class="name" x="{x + _SAMPLE}" y="{y}">{xml_text(each.name)}'
            f"<title>{xml_text(each.title)}</title></text>"
        )
    return parts, y + ROW


def short(words: str, most: int) -> str:
    """Shorten long words in the middle, since names differ at their ends."""
    return words if len(words) <= most else f"{words[: most // 2]}…{words[1 - most // 2 :]}"


def xml_text(words: str) -> str:
    """Escape words for XML. Control characters, which XML does not allow, become replacement characters."""
    return escape(_NOT_XML.sub("\ufffd", words))
