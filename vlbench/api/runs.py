"""A run: every model on every task, planned at once, measured model by model, written as it is done."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from itertools import chain
from pathlib import Path
from typing import Unpack

from vlbench.api.additions import leaderboard_additions
from vlbench.api.kept_results import is_there, question_of, refuse_replacing, write_all
from vlbench.api.request import resolve
from vlbench.cards.build import facts_of, zero_shot
from vlbench.cards.data_request import DataRequest
from vlbench.cards.schema import ModelCard, TaskCard
from vlbench.core.capabilities import NAMES_ALONE
from vlbench.core.errors import Unsupported, WorkersLost
from vlbench.core.result import Result
from vlbench.core.task_reading import reading_line, what_was_read
from vlbench.engine.executors.pool import Pool
from vlbench.engine.job import Job
from vlbench.engine.measure import Measured, result_of
from vlbench.engine.plan import Listed, located, plan_jobs
from vlbench.engine.refusal import refuse_seen, seen_by
from vlbench.engine.remarks import noted, noted_lines
from vlbench.engine.settings import RunSettings
from vlbench.engine.shares import encode_share, refuse_lacking
from vlbench.engine.stored import stored_measurement
from vlbench.options import Keywords, Options
from vlbench.report.tables.leaderboard import notes, write_leaderboards


def evaluate(
    models: str | Sequence[str], tasks: str | Sequence[str], **options: Unpack[Keywords]
) -> list[Result]:
    """Score every model on every task; names may hold wildcards. The options are those of `Options`.

    Raises:
        VlbenchError: a name, a file or an option is wrong; what was finished is written and stored.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as cache:
    ...     (result,) = evaluate("tiny-clip", "digits", limit=8, device="cpu", cache=cache)
    >>> result.task, result.n_images
    ('digits', 8)
    """
    read = Options.of(options)
    try:
        return list(run(models, tasks, read))
    finally:
        rebuild_leaderboards(read)


def run(
    models: str | Sequence[str],
    tasks: str | Sequence[str],
    options: Options,
    *,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[Result]:
    """Score every model on every task, model by model; each result is written before it is handed on.

    `tell` is given a line of what each task read, before anything is loaded.

    Raises:
        VlbenchError: as `evaluate`. Everything is named, found and counted before any weights load.
        Unsupported: a model and a task do not go together; raised when all others have run.
        WorkersLost: workers died over images of a task again and again; raised when all others have run.
    """
    (opened, asked_tasks), data = resolve(models, tasks, options), options.data
    settings, cache = options.settings, options.cache
    read = {named.task.name: what_was_read(named.task) for named in asked_tasks}
    for line in (*settings.said, *(reading_line(name, said) for name, said in read.items())):
        tell(line)
    planned: list[list[Job]] = []
    listed: Listed = {}
    refused: dict[str, None] = {}
    for model in opened:
        jobs, reasons = plan_jobs(
            model.checkpoint, [named.task for named in asked_tasks], settings, options.methods, listed
        )
        planned.append(jobs)
        refused.update(dict.fromkeys(reasons))
    for line in refused if any(planned) else ():
        tell(f"refused: {line}")
    # what is asked is the same of all models, whatever their names for it
    jobs = list(chain.from_iterable(planned))
    asked = {job.task.name: job for job in jobs}
    questions = {name: question_of(job, cache) for name, job in asked.items()}
    refuse_replacing(jobs, questions, options.results)
    for job in jobs:
        if not data.allow_seen_images:
            refuse_seen(job, cache)
    cards = {named.task.name: named.card for named in asked_tasks}
    lost: list[str] = []
    with closing(Pool(settings, tell)) as pool:
        for model, wanted in zip(opened, planned, strict=True):
            if options.missing:
                wanted = [
                    job for job in wanted if not is_there(job, questions[job.task.name], options.results)
                ]
            if options.score_only:
                refuse_lacking(wanted, cache)
            if settings.share is not None:
                for line in _shared(wanted, settings, cache, pool):
                    tell(line)
                continue
            for job, found in measured(wanted, settings, cache, pool, lost):
                of_task = job.task.name
                result = _result(job, found, cache, (model.card, cards[of_task]), data, read[of_task], tell)
                if options.results is not None:
                    write_all(
                        result,
                        job,
                        found,
                        options.results,
                        settings,
                        cache,
                        predictions=options.save_predictions,
                    )
                yield result
    if refused or lost:
        raise (WorkersLost if lost else Unsupported)("; ".join([*refused, *lost]))


def _result(
    job: Job,
    found: Measured,
    cache: Path,
    cards: tuple[ModelCard | None, TaskCard | None],
    data: DataRequest,
    read: Mapping[str, str],
    tell: Callable[[str], None],
) -> Result:
    """What was measured, with what the cards of model and task say of it; what a user has to know is told."""
    remarks = noted(job, cache)
    said = {**read, **remarks}
    if NAMES_ALONE in job.checkpoint.capabilities and (data.templates or data.descriptions):
        said["prompt"] = "none: the model reads names alone, no templates or descriptions"
        tell(f"{job.row} on {job.task.name}: first prompt {said['prompt']}")
    for line in noted_lines(job, remarks):
        tell(line)
    seen = seen_by(job, cache)
    result = result_of(
        job,
        found,
        cache,
        zero_shot="no" if seen[0] or job.method.learns_from else zero_shot(*cards, data.thresholds),
        seen=seen,
        facts=facts_of(cards[0]),
        read=said,
    )
    if result.learned:
        stated = ", ".join(f"{name} {value}" for name, value in result.learned.items())
        tell(f"{job.row} on {job.task.name}: learned {stated}")
    return result


def measured(
    jobs: Sequence[Job],
    settings: RunSettings,
    cache: Path,
    pool: Pool | None = None,
    lost: list[str] | None = None,
) -> Iterator[tuple[Job, Measured]]:
    """One model's jobs with all of their keys, and what is measured of each.

    Its weights are loaded at the first that is not stored; images are encoded once for all that are not.
    `pool` are workers that several models share. `lost` takes a line on each job whose workers died.

    Raises:
        WorkersLost: a job's workers died, and there is no `lost`.
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


def _shared(jobs: Sequence[Job], settings: RunSettings, cache: Path, pool: Pool) -> Iterator[str]:
    """Encode a share of the images of one model's jobs that are not measured; a line on each data set."""
    wanted = [job for job in jobs if stored_measurement(job, cache) is None]
    if not wanted:
        return
    from vlbench.engine.session import Session  # and torch

    with Session(wanted[0].checkpoint, settings, cache, pool=pool) as session:
        for use, count in encode_share(wanted, session):
            yield f"{use.job.row}: share {settings.share} of {use.dataset.name}: {count} images encoded"


def rebuild_leaderboards(options: Options) -> tuple[str, ...]:
    """Rebuild the CSVs of a results folder; the answer notes what is left out of them, and why."""
    if options.results is None or not options.results.is_dir() or options.share is not None:
        return ()
    additions = leaderboard_additions(options.include_path)
    return notes(write_leaderboards(options.results, additions), additions)
