"""What decoding changed of the images of a job: noted while they are decoded, kept beside their features."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.core.contracts import Dataset, Example
from vlbench.core.dataset import Examples
from vlbench.core.decoding import decoding_remarks, decoding_text
from vlbench.core.digest import digest_of
from vlbench.core.files import write_atomically
from vlbench.engine.plan import Job

if TYPE_CHECKING:
    from PIL.Image import Image


def watched(dataset: Dataset, found: dict[int, tuple[str, ...]]) -> Dataset:
    """A data set whose images are looked at as they are opened; `found` takes remarks by their index."""
    examples = Examples(partial(_watched, dataset.examples, found), len(dataset))
    return replace(dataset, examples=examples)


def _watched(examples: Sequence[Example], found: dict[int, tuple[str, ...]], index: int) -> Example:
    example = examples[index]
    return replace(example, image=partial(_open, example, found, index))


def _open(example: Example, found: dict[int, tuple[str, ...]], index: int) -> "Image":
    image = example.image()
    remarks = decoding_remarks(image)
    if remarks:
        found[index] = remarks
    return image


def keep_remarks(job: Job, found: Mapping[int, tuple[str, ...]], cache: Path) -> None:
    """Add remarks on some images of a job, by their index, to those that are kept."""
    if not found:
        return
    keys = job.keys.images
    rows = {**_kept(job, cache), **{keys[index]: list(remarks) for index, remarks in found.items()}}
    write_atomically(_path(job, cache), json.dumps({"rows": rows, "digest": digest_of(rows)}))


def kept_remarks(job: Job, cache: Path) -> str:
    """What decoding changed of a job's images, those that were stored before too; empty if nothing."""
    rows = _kept(job, cache)
    if not rows:
        return ""
    images = job.task.problem.images
    return decoding_text(
        (images[index].id, rows[key]) for index, key in enumerate(job.keys.images) if key in rows
    )


def _kept(job: Job, cache: Path) -> dict[str, list[str]]:
    try:
        kept = json.loads(_path(job, cache).read_text(encoding="utf-8"))
        rows: dict[str, list[str]] = kept["rows"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}
    return rows if kept["digest"] == digest_of(rows) else {}


def _path(job: Job, cache: Path) -> Path:
    return cache / "decoding" / f"{job.keys.image_space}.json"
