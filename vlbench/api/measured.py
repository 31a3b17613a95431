"""Measures the jobs of one model: what is stored is read, the rest encoded and scored in one session."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from vlbench.core.errors import WorkersLost
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
    lost: list[str] | None = None,
) -> Iterator[tuple[Job, Measured]]:
    """Measure the jobs of one model: yields each job with all of its keys, and its measurement.

    Weights are loaded at the first job that is not stored; images are encoded once for all of these jobs.
    `pool` are workers that several models share. `lost` gets a line on each job whose workers died.

    Raises:
        WorkersLost: the workers of a job died, and there is no `lost`.
    """
    with ExitStack() as stack:
        session = None
        for place, job in enumerate(jobs):
            known = located(job, cache)
            found = None if known is None else stored_measurement(known, cache)
            if known is None or found is None:
                # torch is imported here, so that a run with everything stored starts without it
                from vlbench.engine.evaluate import evaluate as evaluate_job
                from vlbench.engine.session import Session

                session = session or stack.enter_context(Session(job.checkpoint, settings, cache, pool=pool))
                session.jobs = jobs[place:]
                try:
                    known, found = evaluate_job(known or job, session)
                except WorkersLost as error:
                    if lost is None:
                        raise
                    lost.append(f"{job.row} on {job.task.name}: {error}")
                    continue
            yield known, found


def share_encoded(jobs: Sequence[Job], settings: RunSettings, cache: Path, pool: Pool) -> Iterator[str]:
    """Encode a share of the images of one model's jobs that are not measured; a line on each data set."""
    wanted = [job for job in jobs if stored_measurement(job, cache) is None]
    if not wanted:
        return
    from vlbench.engine.session import Session  # and torch

    with Session(wanted[0].checkpoint, settings, cache, pool=pool) as session:
        for use, count in encode_share(wanted, session):
            yield f"{use.job.row}: share {settings.share} of {use.dataset.name}: {count} images encoded"
