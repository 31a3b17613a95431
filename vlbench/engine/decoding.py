"""What decoding changed of the images of a job: noted while they are decoded, kept beside their features."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.core.contracts import Dataset, Example
from vlbench.core.dataset import Examples
from vlbench.core.decoding import decoding_remarks, decoding_text
from vlbench.engine.kept_rows import LOST, LOST_LINE, add_rows, read_rows
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


def keep_remarks(space: str, keys: Sequence[str], found: Mapping[int, tuple[str, ...]], cache: Path) -> None:
    """Add remarks on some images, by their index in `keys`, to those that are kept beside their features."""
    add_rows(_path(space, cache), {keys[index]: list(remarks) for index, remarks in found.items()})


def kept_remarks(job: Job, cache: Path) -> str:
    """What decoding changed of a job's images, those that were stored before too; empty if nothing."""
    rows = read_rows(_path(job.keys.image_space, cache))
    if not rows:
        return ""
    problem, keys = job.task.problem, job.keys
    known = set(keys.candidates)
    places = [(problem.images, index, key) for index, key in enumerate(keys.candidates)]
    if problem.references is not None:
        asked = enumerate(keys.references)
        places += [(problem.references, index, key) for index, key in asked if key not in known]
    said = decoding_text((images[index].id, rows[key]) for images, index, key in places if key in rows)
    return "; ".join(filter(None, [said, LOST_LINE if LOST in rows else ""]))


def _path(space: str, cache: Path) -> Path:
    return cache / "decoding" / f"{space}.json"
