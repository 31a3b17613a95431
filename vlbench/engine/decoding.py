"""What decoding changed of the images of a job: noted while they are decoded, kept beside their features."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.core.contracts import Example, Offers, Source, Target
from vlbench.core.decoding import decoding_remarks, decoding_text
from vlbench.engine.kept_rows import LOST, LOST_LINE, add_rows, read_rows
from vlbench.engine.plan import Job

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Watched:
    """A source whose images are looked at as they are opened; `found` holds remarks by their index."""

    source: Source
    found: dict[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The source's name."""
        return self.source.name

    @property
    def revision(self) -> str:
        """The source's revision."""
        return self.source.revision

    @property
    def offers(self) -> Offers:
        """The source's names and templates."""
        return self.source.offers

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Example:
        example = self.source[index]
        return replace(example, image=partial(self._open, example, index))

    def target(self, index: int) -> Target:
        """What the data say of the image at an index."""
        return self.source.target(index)

    def fingerprint(self, index: int) -> str:
        """The source's fingerprint."""
        return self.source.fingerprint(index)

    def _open(self, example: Example, index: int) -> "Image":
        image = example.image()
        remarks = decoding_remarks(image)
        if remarks:
            self.found[index] = remarks
        return image


def keep_remarks(job: Job, found: Mapping[int, tuple[str, ...]], cache: Path) -> None:
    """Add remarks on some images of a job, by their index, to those that are kept."""
    keys = job.keys.images
    add_rows(_path(job, cache), {keys[index]: list(remarks) for index, remarks in found.items()})


def kept_remarks(job: Job, cache: Path) -> str:
    """What decoding changed of a job's images, those that were stored before too; empty if nothing."""
    rows = read_rows(_path(job, cache))
    if not rows:
        return ""
    images = job.task.problem.images
    said = decoding_text(
        (images[index].id, rows[key]) for index, key in enumerate(job.keys.images) if key in rows
    )
    return "; ".join(filter(None, [said, LOST_LINE if LOST in rows else ""]))


def _path(job: Job, cache: Path) -> Path:
    return cache / "decoding" / f"{job.keys.image_space}.json"
