"""What is said of an image: its tags and caption, or why it has none, and how that is written."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Literal

from vlbench.report.csv_text import csv_text

Format = Literal["text", "json", "csv"]
CSV_HEADER = ("path", "tag", "score", "id")
CSV_CAPTION = ("caption",)
"""The column behind, where captions are asked for."""
NO_TAG = "(no tag above its threshold)"
_DIGITS = 4
"""Decimals of a score: float32 probabilities and cosines differ in more by batch size alone."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of an image: its name, a probability or cosine, its id in the first vocabulary it is known in."""

    name: str
    score: float
    id: str | None


@dataclass(frozen=True, slots=True)
class TaggedImage:
    """An image and its tags, best first, and its caption where captions are asked for."""

    path: str
    tags: tuple[Tag, ...]
    caption: str | None = None


@dataclass(frozen=True, slots=True)
class BrokenImage:
    """An image that cannot be read; the reason names it and says what to do."""

    path: str
    reason: str


def head_lines(form: Format, *, captions: bool = False) -> tuple[str, ...]:
    """Lines that come before all images; `captions` where those are asked for."""
    return (_csv_line(CSV_HEADER + CSV_CAPTION * captions),) if form == "csv" else ()


def image_lines(image: TaggedImage, form: Format) -> Iterator[str]:
    """The lines of one image: `path: tag score, tag score`, one JSON object, or a CSV row a tag.

    A caption stands before the tags, which follow in brackets, under a key of its own, or in each row. An
    image without tags has a CSV row of its path (and caption), so that none is lost.
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
