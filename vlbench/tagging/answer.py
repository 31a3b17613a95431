"""The answer for an image: its tags and caption, or why it has none, and how these are written."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Literal

from vlbench.report.csv_text import csv_text

Format = Literal["text", "json", "csv"]
CSV_HEADER = ("path", "tag", "score", "id")
CSV_CAPTION = ("caption",)
"""The additional column if captions are asked for."""
NO_TAG = "(no tag above its threshold)"
_DIGITS = 4
"""The decimals of a score. Further ones depend on the batch size in float32."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of an image: its name, a probability or cosine, and its id in its first vocabulary."""

    name: str
    score: float
    id: str | None


@dataclass(frozen=True, slots=True)
class TaggedImage:
    """An image with its tags, best first, and its caption if captions are asked for."""

    path: str
    tags: tuple[Tag, ...]
    caption: str | None = None


@dataclass(frozen=True, slots=True)
class BrokenImage:
    """An image that cannot be read; the reason names it and tells what to do."""

    path: str
    reason: str


def head_lines(form: Format, *, captions: bool = False) -> tuple[str, ...]:
    """The lines before all images; `captions` tells whether captions are asked for."""
    return (_csv_line(CSV_HEADER + CSV_CAPTION * captions),) if form == "csv" else ()


def image_lines(image: TaggedImage, form: Format) -> Iterator[str]:
    """The lines of one image: `path: tag score, tag score`, one JSON object, or one CSV row per tag.

    A caption is written before the tags, which are then in brackets, under its own key, or in each row. An
    image without tags has one CSV row with its path (and caption).
    """
    if form == "json":
        caption = {} if image.caption is None else {"caption": image.caption}
        tags = [{**asdict(tag), "score": _rounded(tag.score, _DIGITS)} for tag in image.tags]
        yield json.dumps({"path": image.path, **caption, "tags": tags}, ensure_ascii=False)
    elif form == "csv":
        behind = () if image.caption is None else (image.caption,)
        for tag in image.tags:
            yield _csv_line((image.path, tag.name, _rounded(tag.score, _DIGITS), tag.id or "", *behind))
        if not image.tags:
            yield _csv_line((image.path, "", "", "", *behind))
    else:
        said = ", ".join(f"{tag.name} {_rounded(tag.score, 2):.2f}" for tag in image.tags)
        if image.caption is None:
            yield f"{image.path}: {said or NO_TAG}"
        else:
            yield f"{image.path}: {image.caption} {f'({said})' if said else NO_TAG}"


def _rounded(score: float, digits: int) -> float:
    return round(score, digits) + 0.0  # no minus before a zero


def _csv_line(cells: Iterable[object]) -> str:
    return csv_text([cells]).removesuffix("\n")
