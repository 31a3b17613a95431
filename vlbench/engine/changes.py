"""Lines of what was changed on the way to a number: of a model's files, and of images as they are decoded."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from vlbench.core.result import Result
from vlbench.engine.cut_sentences import kept_cut
from vlbench.engine.decoding import kept_remarks
from vlbench.engine.plan import Job


def change_lines(results: Sequence[Result], jobs: Iterable[Job], cache: Path) -> Iterator[str]:
    """A line of the files of the results' model, and one of each job's images; none where all is plain."""
    if results and results[0].changes:
        yield f"{results[0].model}: {'; '.join(results[0].changes)}"
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
