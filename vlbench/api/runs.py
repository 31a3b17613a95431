"""Runs: every model on every task, planned at once, measured model by model, written as they finish."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cache as once
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

from vlbench.api.additions import leaderboard_additions
from vlbench.api.failures import Failures, NotAllRun
from vlbench.api.kept_results import items_of, predictions_of, write_all
from vlbench.api.measured import measured, share_encoded
from vlbench.api.prepared import prepared
from vlbench.api.request import Asked
from vlbench.api.results import Results
from vlbench.api.surroundings import undisturbed
from vlbench.api.training_run import best_lines, of_step
from vlbench.cards.build import NamedModel, facts_of, is_zero_shot
from vlbench.cards.schema import ModelCard, TaskCard
from vlbench.core.capabilities import NAMES_ALONE
from vlbench.core.errors import VlbenchError
from vlbench.core.items import Items
from vlbench.core.name_list import names_in
from vlbench.core.result import Result
from vlbench.core.uncollected import uncollected
from vlbench.datasets.memory.held import HeldData
from vlbench.datasets.memory.held import data as held_data
from vlbench.engine.executors.pool import Pool
from vlbench.engine.job import Job
from vlbench.engine.measure import Measured, result_of
from vlbench.engine.refusal import seen_by
from vlbench.engine.remarks import noted, noted_lines
from vlbench.engine.stored import forget
from vlbench.flag import whole
from vlbench.models.memory.held import HeldModel
from vlbench.options import Keywords, Options
from vlbench.report.tables.leaderboard import write_leaderboards

if TYPE_CHECKING:
    import pandas as pd

    Keep = Callable[[Result, Callable[[], Items], pd.DataFrame | None], None]


@undisturbed()
def evaluate(
    models: Any,
    tasks: Any,
    *,
    tokenizer: Any = None,
    logit_scale: float | None = None,
    name: str = "",
    step: int | None = None,
    **options: Unpack[Keywords],
) -> Results:
    """Score every model on every task. Names may hold wildcards; the options are those of `Options`.

    A model may also be an object in memory: one of open_clip or transformers, or any that has `encode_image`
    and `encode_text`. `preprocess` then turns an image into pixels, or is a processor of transformers, and
    `tokenizer` turns sentences into what `encode_text` takes; without one it is given the sentences. Its row
    is called `name`, else after its class, and at a `step` of a training `name@step`. It runs where it lies,
    in evaluation mode, and is left as it was; what was encoded is used for the tasks of this call alone.

    A task may also be data in memory: whatever `vlbench.data` takes, or its answer, which can stand beside
    names.

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
    listed = names_in(models)
    if listed is not None:
        if tokenizer is not None or logit_scale is not None or name or step is not None:
            raise VlbenchError(
                "tokenizer, logit_scale, name and step are those of a model object, not of a name"
            )
        return _finished(listed, asked_tasks(tasks), Options.of(options))
    # an object brings torch with it; names of models may all be stored
    from vlbench.models.memory.checkpoint import as_checkpoint
    from vlbench.models.memory.state import device_of

    preprocess = options.pop("preprocess", None)
    step = None if step is None else whole("step", step, 0)
    run = name or type(models).__name__
    row = run if step is None else f"{run}@{step}"
    held = HeldModel(row, models, preprocess, tokenizer, logit_scale)
    read = Options.of({**options, "device": device_of(held.modules(), options.get("device", "auto"))})
    read.alone("a model object")
    if read.share is not None or read.score_only:
        raise VlbenchError("what is encoded by a model object is not kept; leave share and score_only out")
    with as_checkpoint(held) as checkpoint:
        return _finished(NamedModel(checkpoint, None, step, run), asked_tasks(tasks), read)


def asked_tasks(tasks: Any) -> Asked:
    """The tasks asked for; a list without any name is data.

    Raises:
        DataError: they are neither names nor data.
    """
    if (names := names_in(tasks)) is not None:
        return names
    if isinstance(tasks, HeldData):
        return (tasks,)
    if isinstance(tasks, Sequence) and any(map(_is_task, tasks)):
        return tuple(each if isinstance(each, str | HeldData) else held_data(each) for each in tasks)
    return (held_data(tasks),)


def _is_task(item: Any) -> bool:
    """Whether an item of a list names a task or is a data set itself, not an image with its truth."""
    if isinstance(item, str | HeldData):
        return True
    if isinstance(item, Mapping):
        return "test" in item
    indexed = hasattr(item, "__len__") and hasattr(item, "__getitem__")
    return indexed and not isinstance(item, Sequence) and not hasattr(item, "dtype")


def _finished(models: str | Sequence[str] | NamedModel, tasks: Asked, options: Options) -> Results:
    """The results of a run, after which the CSVs hold what was finished, also where it ended early."""
    found = Results()
    try:
        for result in run(models, tasks, options, keep=found.keep):
            found.append(result)
    except NotAllRun as error:
        error.results = found
        raise
    finally:
        rebuild_leaderboards(options)
    return found


def run(
    models: str | Sequence[str] | NamedModel,
    tasks: Asked,
    options: Options,
    *,
    tell: Callable[[str], None] = lambda _: None,
    config: str = "",
    kept: Callable[[Result], object] = lambda _: None,
    keep: "Keep | None" = None,
) -> Iterator[Result]:
    """Score every model on every task, model by model. Each result is written before it is yielded.

    `config` is the digest of a file that the options come from, which results keep. `tell` gets a line about
    what each task read, before anything is loaded, and about each model, task or pair that cannot be run or
    fails, while the others are run. `kept` gets each result that `missing` leaves as it is, `keep` the
    items of each other result, and its predictions, if they are asked for.

    Raises:
        NotAllRun: some pairs could not be run or failed; raised after all others have run.
        VlbenchError: as `evaluate`; also where no pair could be run, or, with `fail_fast`, at the first.
    """
    failures = Failures(tell, fail_fast=options.fail_fast)
    asked = prepared(models, tasks, options, failures)
    settings, cache = options.settings, options.cache
    for result in asked.there:
        kept(result)
    before, count = 0, sum(map(len, asked.jobs))
    of_steps: list[Result] = []
    with closing(Pool(settings, tell)) as pool:
        for model, wanted in zip(asked.models, asked.jobs, strict=True):
            if settings.share is not None:
                for line in share_encoded(wanted, settings, cache, pool, failures):
                    tell(line)
                continue
            done: list[Job] = []
            validation: dict[tuple[str, str], float | None] = {}
            try:
                for job, found in measured(wanted, settings, cache, pool, failures.running, (before, count)):
                    done.append(job)
                    of_task = job.task.name
                    if of_task in asked.by_split:
                        primary = (each for each in found.values if each.metric == job.task.primary)
                        validation[job.row, asked.by_split[of_task]] = next(primary).value
                        continue
                    with failures.running(job.pair):
                        cards = (model.card, asked.cards[of_task])
                        result = _result(job, found, cards, asked.read[of_task], options, tell)
                        if config:
                            result = replace(result, settings={**result.settings, "config": config})
                        if model.step is not None:
                            steps_of = model.steps_of + job.row.removeprefix(model.checkpoint.name)
                            on_split = validation.get((job.row, of_task))
                            result = of_step(result, model.step, steps_of, on_split)
                            of_steps.append(result)
                        _write(result, job, found, options, keep)
                        failures.done += 1
                        yield result
            finally:
                before += len(wanted)
                # nobody will ask for the keys of an object again
                for job in (*wanted, *done) if not isinstance(models, str | Sequence) else ():
                    forget(job, cache)
    if of_steps:
        for line in best_lines(of_steps, [named.task for named in asked.tasks]):
            tell(line)
    failures.raise_found()


def _write(result: Result, job: Job, found: Measured, options: Options, keep: "Keep | None") -> None:
    """Write a result, and give it to `keep`, with its predictions if they are asked for."""
    settings, cache, folder = options.settings, options.cache, options.results
    answers = predictions_of(job, found, settings, cache) if options.save_predictions else None
    scores = folder is not None and answers is not None
    items = once(partial(items_of, job, found, cache, scores=scores))
    if keep is not None:
        keep(result, items if found.prediction is None else _held(items()), answers)
    if folder is not None:
        write_all(result, job, found, folder, settings, cache, items=items, predictions=answers)


def _held(items: Items) -> Callable[[], Items]:
    """Items without the job and the prediction that they are made of."""
    return lambda: items


def _result(
    job: Job,
    found: Measured,
    cards: tuple[ModelCard | None, TaskCard | None],
    read: Mapping[str, str],
    options: Options,
    tell: Callable[[str], None],
) -> Result:
    """The result of a measurement, with the facts from the cards of model and task.

    `tell` gets what a user should know.
    """
    cache, data = options.cache, options.data
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


@uncollected()  # so that its results are gone before garbage is sought again
def rebuild_leaderboards(options: Options) -> tuple[str, ...]:
    """Rebuild the CSVs of a results folder. Returns notes on what is left out, and why."""
    if options.results is None or not options.results.is_dir() or options.share is not None:
        return ()
    additions = leaderboard_additions(options.include_path)
    found: list[str] = []
    write_leaderboards(options.results, additions, cache=options.cache, tell=found.append)
    return tuple(found)
