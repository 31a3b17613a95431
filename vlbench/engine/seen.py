"""Test images that a model, or its thresholds, learned from: counted by what they hold; imports no torch."""

from dataclasses import dataclass
from pathlib import Path

from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError
from vlbench.core.image_key import image_digests, seen_among
from vlbench.engine.job import Job


@dataclass(frozen=True, slots=True)
class Seen:
    """How many test images a job has learned from, and digests of all images that it did."""

    images: int
    digests: dict[str, str]


NOTHING_SEEN = Seen(0, {})


def seen_by(job: Job, cache: Path) -> Seen:
    """What a job learned from, as far as its model's file and its thresholds tell; else nothing is read."""
    learned = job.identity.learned_from
    digests = {"learned_from": digest_of_strings(sorted(learned))} if learned else {}
    for split, each in job.learn_from.items():
        of_split = image_digests(each.problem.images, cache)
        digests[f"{split}_images"] = digest_of_strings(sorted(of_split))
        learned = (*learned, *of_split)
    return Seen(seen_among(job.task.problem.images, learned, cache), digests)


def refuse_seen(job: Job, cache: Path) -> None:
    """Refuse to score images that the model or its thresholds learned from.

    Raises:
        DataError: there are such images; they are counted.
    """
    count = seen_by(job, cache).images
    if count:
        raise DataError(
            f"{job.row} on {job.task.name}: {count} of {len(job.task.problem.images)} test images are among "
            "those that it learned from; name other images, or score them all the same with "
            "`vlbench run --allow-seen-images`, which the result then says"
        )
