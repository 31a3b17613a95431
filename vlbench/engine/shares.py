"""Runs of a job array: each encodes its share of the images, and a last one scores; imports no torch."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.core.errors import Attempt, DataError
from vlbench.core.image import known_keys, shares_read
from vlbench.core.share import Share
from vlbench.engine.feature_store import FeatureSpace
from vlbench.engine.job import Job, Use, uses
from vlbench.engine.stored import stored_measurement, stored_prediction

if TYPE_CHECKING:
    from vlbench.engine.session import Session


def encode_share(
    jobs: Sequence[Job],
    session: "Session",
    running: Attempt = nullcontext,
) -> Iterator[tuple[Use, int]]:
    """Encode a share of the images of one model's jobs; each data set's use, and how many were encoded of it.

    A data set whose error `running` takes is left out.

    Raises:
        DataError: an image does not decode.
        NotFinite: the model answers NaN or infinity.
    """
    session.jobs = jobs
    read: set[str] = set()
    for use in _images(jobs):
        if use.images.states in read:  # their keys are of this share alone, and the pass was for all jobs
            continue
        if known_keys(use.images, session.cache) is None:
            read.add(use.images.states)
        before = session.spent.images
        with running(f"{use.job.row} on {use.dataset.name}"):
            session.encode_images(use)
            yield use, session.spent.images - before


def refuse_lacking(jobs: Sequence[Job], cache: Path, stored: dict[str, frozenset[str]] | None = None) -> None:
    """Refuse jobs whose images are not all stored.

    `stored` collects the keys of what is stored, so that several calls read them once.

    Raises:
        DataError: some are not; it names how many of each data set, and the shares that they are of.
    """
    stored = {} if stored is None else stored
    lines: dict[str, None] = {}
    for use in _images([job for job in jobs if not _is_scored(job, cache)]):
        keys = use.keys or known_keys(use.images, cache)
        places = (f"features/{use.job.keys.image_space}", "/".join(use.beyond))
        for place in places:
            if place not in stored:
                with FeatureSpace(cache / place) as space:
                    stored[place] = frozenset(space.keys)
        lacking = min(
            (
                [i for i, key in enumerate(keys or ("",) * use.images.count) if key not in stored[place]]
                for place in places
            ),
            key=len,
        )
        if lacking:
            images = f"{len(lacking)} of {use.images.count} images of {use.dataset.name}"
            lines[f"{use.job.row}: {images} are not encoded ({_of_shares(use, lacking, cache)})"] = None
    if lines:
        raise DataError(f"{'; '.join(lines)}; run what is missing, or leave --score-only out")


def _images(jobs: Sequence[Job]) -> Iterator[Use]:
    """The images that jobs read, once for each way to store them."""
    found: dict[tuple[str, str], Use] = {}
    for use in chain.from_iterable(map(uses, jobs)):
        if use.read:
            found.setdefault((use.images.states, use.beyond[1]), use)
    yield from found.values()


def _is_scored(job: Job, cache: Path) -> bool:
    return stored_measurement(job, cache) is not None or stored_prediction(job, cache) is not None


def _of_shares(use: Use, lacking: Sequence[int], cache: Path) -> str:
    """The shares that lack, cut as the latest one was that is done."""
    done = shares_read(use.images, cache)
    if not done:
        return "no share of them is done"
    share, size = list(done)[-1]
    of_all = [Share(number, share.count) for number in range(1, share.count + 1)]
    if known_keys(use.images, cache) is None:  # which images lack is not known before all are read
        missing = [each for each in of_all if (each, size) not in done]
    else:
        missing = [each for each in of_all if any(each.has(place // size) for place in lacking)]
    return f"share {', '.join(map(str, missing))}"
