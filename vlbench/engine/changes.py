"""Lines of what was changed on the way to a number: of a model's files, and of images as they are decoded."""

from collections.abc import Iterable, Iterator, Sequence
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
        decoding = kept_remarks(job, cache)
        if decoding:
            yield f"{job.task.name}: decoded {decoding}"
        cut = kept_cut(job, cache)
        if cut:
            yield f"{job.row} on {job.task.name}: {cut}"
