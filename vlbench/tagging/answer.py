"""What is said of an image: its tags or why it has none, and how that is written."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Literal

Format = Literal["text", "json", "csv"]
CSV_HEADER = ("path", "tag", "score", "id")
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
    """An image and its tags, best first."""

    path: str
    tags: tuple[Tag, ...]


@dataclass(frozen=True, slots=True)
class BrokenImage:
    """An image that cannot be read; the reason names it and says what to do."""

    path: str
    reason: str


def head_lines(form: Format) -> tuple[str, ...]:
    """Lines that come before all images."""
    return (_csv_line(CSV_HEADER),) if form == "csv" else ()


def image_lines(image: TaggedImage, form: Format) -> Iterator[str]:
    """The lines of one image: `path: tag score, tag score`, one JSON object, or a CSV row a tag.

    An image without tags has a CSV row of its path alone, so that none is lost.
    """
    if form == "json":
        yield json.dumps(
            {
                "path": image.path,
                "tags": [{**asdict(tag), "score": _rounded(tag.score, _DIGITS)} for tag in image.tags],
            },
            ensure_ascii=False,
        )
    elif form == "csv":
        for tag in image.tags:
            yield _csv_line((image.path, tag.name, _rounded(tag.score, _DIGITS), tag.id or ""))
        if not image.tags:
            yield _csv_line((image.path, "", "", ""))
    else:
        said = ", ".join(f"{tag.name} {_rounded(tag.score, 2):.2f}" for tag in image.tags)
        yield f"{image.path}: {said or '(no tag above its threshold)'}"


def _rounded(score: float, digits: int) -> float:
    return round(score, digits) + 0.0  # no minus before a zero


def _csv_line(cells: Iterable[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(cells)
    return buffer.getvalue()
