"""The most that a run would encode, without loading a model or opening an image. Imports no torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from vlbench.core.image import known_keys
from vlbench.engine.feature_store import FeatureSpace
from vlbench.engine.job import Job, Use, uses
from vlbench.engine.plan import located
from vlbench.engine.stored import measurement_path

TEXTS = "texts"


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass of a model over the images of a data set, or over texts: at most `count` are encoded.

    `tasks` are the tasks that need it; `stored` counts what the cache has of it. `row_bytes` are the bytes
    that the features of one take, as far as the cache has any; 0 if it has none. `job` is the first that
    needs it.
    """

    model: str
    of: str
    count: int
    tasks: tuple[str, ...]
    stored: int
    row_bytes: int
    job: Job

    @property
    def is_of_texts(self) -> bool:
        """Whether texts are encoded, not images."""
        return self.of == TEXTS


def planned_passes(jobs: Sequence[Job], cache: Path) -> Iterator[Pass]:
    """The passes for those jobs of a model that have no stored measurement: images first, then texts.

    An image whose digest is not in a table counts as missing. The run may still find its features in the
    store once it has read the image.
    """
    lacking: dict[str, tuple[Use, set[str], dict[str, None]]] = {}
    texts: dict[str, dict[str, None]] = {}
    words: set[str] = set()
    spaces: dict[str, FeatureSpace] = {}

    def space(place: str) -> FeatureSpace:
        if place not in spaces:
            spaces[place] = FeatureSpace(cache / place)
        return spaces[place]

    for job in jobs:
        known = located(job, cache)
        if known is not None and measurement_path(known, cache).exists():
            continue
        words.update(job.words)
        stored = space(f"features/{job.keys.text_space}")
        for key in job.words:
            if key not in stored:
                texts.setdefault(key, {})[job.task.name] = None
        for use in uses(job):
            keys = known_keys(use.images, cache)
            places = (f"features/{use.job.keys.image_space}", "/".join(use.beyond))
            here = (
                {str(place) for place in range(use.images.count)}
                if keys is None
                else min(({key for key in keys if key not in space(place)} for place in places), key=len)
            )
            if here and use.read:
                named = lacking.setdefault(use.images.states, (use, set(), {}))
                named[1].update(here)
                named[2][job.task.name] = None
    for use, images, tasks in lacking.values():
        row_bytes = space(f"features/{use.job.keys.image_space}").row_bytes
        count, of = len(images), f"images of {use.dataset.name}"
        yield Pass(jobs[0].row, of, count, tuple(tasks), use.images.count - count, row_bytes, use.job)
    if texts:
        tasks = dict.fromkeys(chain.from_iterable(texts.values()))
        row_bytes = space(f"features/{jobs[0].keys.text_space}").row_bytes
        yield Pass(jobs[0].row, TEXTS, len(texts), tuple(tasks), len(words) - len(texts), row_bytes, jobs[0])
    for each in spaces.values():
        each.close()
