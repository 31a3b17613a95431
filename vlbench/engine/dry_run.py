"""The most that a run would encode, without loading a model or opening an image. Imports no torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from vlbench.core.image import known_keys
from vlbench.engine.feature_store import FeatureSpace
from vlbench.engine.job import Job, uses
from vlbench.engine.plan import located
from vlbench.engine.stored import measurement_path


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass of a model over the images of a data set, or over texts: at most `count` are encoded.

    `tasks` are the tasks that need it.
    """

    model: str
    of: str
    count: int
    tasks: tuple[str, ...]


def planned_passes(jobs: Sequence[Job], cache: Path) -> Iterator[Pass]:
    """The passes for those jobs of a model that have no stored measurement: images first, then texts.

    An image whose digest is not in a table counts as missing. The run may still find its features in the
    store once it has read the image.
    """
    lacking: dict[str, tuple[str, set[str], list[str]]] = {}
    texts: dict[str, list[str]] = {}
    spaces: dict[str, FeatureSpace] = {}

    def missing(place: str, keys: Sequence[str]) -> set[str]:
        space = spaces.setdefault(place, FeatureSpace(cache / place))
        return {key for key in keys if key not in space}

    for job in jobs:
        known = located(job, cache)
        if known is not None and measurement_path(known, cache).exists():
            continue
        for key in missing(f"features/{job.keys.text_space}", list(job.words)):
            texts.setdefault(key, []).append(job.task.name)
        for use in uses(job):
            keys = known_keys(use.images, cache)
            places = (f"features/{use.job.keys.image_space}", "/".join(use.beyond))
            here = (
                {str(place) for place in range(use.images.count)}
                if keys is None
                else min((missing(place, keys) for place in places), key=len)
            )
            if here and use.read:
                named = lacking.setdefault(use.images.states, (use.dataset.name, set(), []))
                named[1].update(here)
                named[2].append(job.task.name)
    row = jobs[0].row if jobs else ""
    for name, images, tasks in lacking.values():
        yield Pass(row, f"images of {name}", len(images), tuple(dict.fromkeys(tasks)))
    if texts:
        yield Pass(row, "texts", len(texts), tuple(dict.fromkeys(chain.from_iterable(texts.values()))))
