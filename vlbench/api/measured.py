"""Measures the jobs of one model: what is stored is read, the rest encoded and scored in one session."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path

from vlbench.api.failures import Failures
from vlbench.core.errors import Attempt
from vlbench.core.machine import enough_memory
from vlbench.core.progress import at_work_on
from vlbench.engine.executors.pool import Pool
from vlbench.engine.job import Job
from vlbench.engine.measure import Measured
from vlbench.engine.plan import located
from vlbench.engine.settings import RunSettings
from vlbench.engine.shares import encode_share
from vlbench.engine.stored import stored_measurement


def measured(
    jobs: Sequence[Job],
    settings: RunSettings,
    cache: Path,
    pool: Pool | None = None,
    running: Attempt = nullcontext,
    place: tuple[int, int] = (0, 0),
) -> Iterator[tuple[Job, Measured]]:
    """Measure the jobs of one model: yields each job with all of its keys, and its measurement.

    Weights are loaded at the first job that is not stored; images are encoded once for all of these jobs.
    `pool` are workers that several models share. A job whose error `running` takes is left out. `place` says
    how many jobs came before, and of how many, for progress bars; by default, of these alone.

    Raises:
        VlbenchError: a job fails, and `running` takes no error.
    """
    with ExitStack() as stack:
        session = None
        before, count = place if place[1] else (0, len(jobs))
        for number, job in enumerate(jobs):
            with running(job.pair):
                known = located(job, cache)
                found = None if known is None else stored_measurement(known, cache)
                if known is None or found is None:
                    # torch is imported here, so that a run with everything stored starts without it
                    from vlbench.engine.evaluate import evaluate as evaluate_job
                    from vlbench.engine.session import Session

                    session = session or stack.enter_context(
                        Session(job.checkpoint, settings, cache, pool=pool)
                    )
                    session.jobs = jobs[number:]
                    memory = enough_memory(f"to run {job.pair}", "pass a smaller --batch-size or free some")
                    with at_work_on(f"{job.pair} ({before + number + 1} of {count})"), memory:
                        known, found = evaluate_job(known or job, session)
                yield known, found


def share_encoded(
    jobs: Sequence[Job], settings: RunSettings, cache: Path, pool: Pool, failures: Failures
) -> Iterator[str]:
    """Encode a share of the images of one model's jobs that are not measured; a line on each data set."""
    wanted = [job for job in jobs if stored_measurement(job, cache) is None]
    failures.done += len(jobs) - len(wanted)
    if not wanted:
        return
    from vlbench.engine.session import Session  # and torch

    with Session(wanted[0].checkpoint, settings, cache, pool=pool) as session:
        for use, count in encode_share(wanted, session, failures.running):
            failures.done += 1
            yield f"{use.job.row}: share {settings.share} of {use.dataset.name}: {count} images encoded"
