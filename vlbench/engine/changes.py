"""Lines of what was changed on the way to a number: of a model's files, and of images as they are decoded."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from vlbench.engine.cut_sentences import kept_cut
from vlbench.engine.decoding import kept_remarks
from vlbench.engine.plan import Job


def change_lines(jobs: Sequence[Job], changes: Sequence[str], cache: Path) -> Iterator[str]:
    """A line of what changed of a model's files, and of each of its jobs' images; none where all is plain."""
    if changes:
        yield f"{jobs[0].row}: {'; '.join(changes)}"
    for job in jobs:
        yield from noted_lines(job, noted(job, cache))


def noted(job: Job, cache: Path) -> dict[str, str]:
    """What decoding changed of a job's images and which sentences were cut, of stored ones too."""
    found = {"decoding": kept_remarks(job, cache), "cut": kept_cut(job, cache)}
    return {name: text for name, text in found.items() if text}


def noted_lines(job: Job, found: Mapping[str, str]) -> Iterator[str]:
    """A line of each thing that was noted of a job."""
    if "decoding" in found:
        yield f"{job.task.name}: decoded {found['decoding']}"
    if "cut" in found:
        yield f"{job.row} on {job.task.name}: {found['cut']}"
