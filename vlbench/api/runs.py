"""Runs: every model on every task, planned at once, measured model by model, written as they finish."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

from vlbench.api.additions import leaderboard_additions
from vlbench.api.failures import Failures, NotAllRun
from vlbench.api.kept_results import write_all
from vlbench.api.prepared import prepared
from vlbench.api.results import Results
from vlbench.cards.build import facts_of, is_zero_shot
from vlbench.cards.data_request import DataRequest
from vlbench.cards.schema import ModelCard, TaskCard
from vlbench.core.capabilities import NAMES_ALONE
from vlbench.core.contracts import Checkpoint
from vlbench.core.errors import Attempt, VlbenchError
from vlbench.core.machine import enough_memory
from vlbench.core.progress import at_work_on
from vlbench.core.result import Result
from vlbench.engine.executors.pool import Pool
from vlbench.engine.job import Job
from vlbench.engine.measure import Measured, result_of
from vlbench.engine.plan import located
from vlbench.engine.refusal import seen_by
from vlbench.engine.remarks import noted, noted_lines
from vlbench.engine.settings import RunSettings
from vlbench.engine.shares import encode_share
from vlbench.engine.stored import forget, stored_measurement
from vlbench.options import Keywords, Options
from vlbench.report.tables.leaderboard import write_leaderboards


def evaluate(
    models: Any,
    tasks: str | Sequence[str],
    *,
    tokenizer: Any = None,
    logit_scale: float | None = None,
    name: str = "",
    **options: Unpack[Keywords],
) -> Results:
    """Score every model on every task. Names may hold wildcards; the options are those of `Options`.

    A model may also be an object in memory: one of open_clip or transformers, or any that has `encode_image`
    and `encode_text`. `preprocess` then turns an image into pixels, or is a processor of transformers, and
    `tokenizer` turns sentences into what `encode_text` takes; without one it is given the sentences. Its row
    is called `name`, else after its class. It runs where it lies, in evaluation mode, and is left as it was;
    what was encoded is used for the tasks of this call alone.

    What cannot be run or fails is left out, and the rest is run, unless `fail_fast` is true.

    Raises:
        NotAllRun: some pairs of a model and a task were left out; `results` are those of the others.
        VlbenchError: a name, a file or an option is wrong, or no pair could be run. What was finished is
            written and stored.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as cache:
    ...     (result,) = evaluate("tiny-clip", "digits", limit=8, device="cpu", cache=cache)
    >>> result.task, result.n_images
    ('digits', 8)
    """
    if isinstance(models, str) or (
        isinstance(models, Sequence) and all(isinstance(each, str) for each in models)
    ):
        if tokenizer is not None or logit_scale is not None or name:
            raise VlbenchError("tokenizer, logit_scale and name are those of a model object, not of a name")
        return _finished(models, tasks, Options.of(options))
    # an object brings torch with it; names of models may all be stored
    from vlbench.models.memory.checkpoint import MemoryCheckpoint
    from vlbench.models.memory.held import HeldModel
    from vlbench.models.memory.state import as_it_was, device_of

    preprocess = options.pop("preprocess", None)
    held = HeldModel(name or type(models).__name__, models, preprocess, tokenizer, logit_scale)
    modules = tuple(held.modules())
    read = Options.of({**options, "device": device_of(modules, options.get("device", "auto"))})
    read.alone("a model object")
    if read.share is not None or read.score_only:
        raise VlbenchError("what is encoded by a model object is not kept; leave share and score_only out")
    with as_it_was(modules):
        return _finished(MemoryCheckpoint(held), tasks, read)


def _finished(
    models: str | Sequence[str] | Checkpoint, tasks: str | Sequence[str], options: Options
) -> Results:
    """The results of a run, after which the CSVs hold what was finished, also where it ended early."""
    found = Results()
    try:
        for result in run(models, tasks, options):
            found.append(result)
    except NotAllRun as error:
        error.results = found
        raise
    finally:
        rebuild_leaderboards(options)
    return found


def run(
    models: str | Sequence[str] | Checkpoint,
    tasks: str | Sequence[str],
    options: Options,
    *,
    tell: Callable[[str], None] = lambda _: None,
    config: str = "",
    kept: Callable[[Result], object] = lambda _: None,
) -> Iterator[Result]:
    """Score every model on every task, model by model. Each result is written before it is yielded.

    `config` is the digest of a file that the options come from, which results keep. `tell` gets a line about
    what each task read, before anything is loaded, and about each model, task or pair that cannot be run or
    fails, while the others are run. `kept` gets each result that `missing` leaves as it is.

    Raises:
        NotAllRun: some pairs could not be run or failed; raised after all others have run.
        VlbenchError: as `evaluate`; also where no pair could be run, or, with `fail_fast`, at the first.
    """
    failures = Failures(tell, fail_fast=options.fail_fast)
    asked = prepared(models, tasks, options, failures)
    settings, cache, data = options.settings, options.cache, options.data
    for result in asked.there:
        kept(result)
    before, count = 0, sum(map(len, asked.jobs))
    with closing(Pool(settings, tell)) as pool:
        for model, wanted in zip(asked.models, asked.jobs, strict=True):
            if settings.share is not None:
                for line in _shared(wanted, settings, cache, pool, failures):
                    tell(line)
                continue
            done: list[Job] = []
            try:
                for job, found in measured(wanted, settings, cache, pool, failures.running, (before, count)):
                    done.append(job)
                    of_task = job.task.name
                    with failures.running(job.pair):
                        result = _result(
                            job,
                            found,
                            cache,
                            (model.card, asked.cards[of_task]),
                            data,
                            asked.read[of_task],
                            tell,
                        )
                        if config:
                            result = replace(result, settings={**result.settings, "config": config})
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
                        failures.done += 1
                        yield result
            finally:
                before += len(wanted)
                # nobody will ask for the keys of an object again
                for job in (*wanted, *done) if not isinstance(models, str | Sequence) else ():
                    forget(job, cache)
    failures.raise_found()


def _result(
    job: Job,
    found: Measured,
    cache: Path,
    cards: tuple[ModelCard | None, TaskCard | None],
    data: DataRequest,
    read: Mapping[str, str],
    tell: Callable[[str], None],
) -> Result:
    """The result of a measurement, with the facts from the cards of model and task.

    `tell` gets what a user should know.
    """
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
        zero_shot="no" if seen[0] or job.method.learns_from else is_zero_shot(*cards, data.thresholds),
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


def _shared(
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


def rebuild_leaderboards(options: Options) -> tuple[str, ...]:
    """Rebuild the CSVs of a results folder. Returns notes on what is left out, and why."""
    if options.results is None or not options.results.is_dir() or options.share is not None:
        return ()
    additions = leaderboard_additions(options.include_path)
    found: list[str] = []
    write_leaderboards(options.results, additions, cache=options.cache, tell=found.append)
    return tuple(found)
