"""evaluate, load_model, load_task and the lists: where cards, engine and report meet."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast

from vlbench.cards.catalogue import read_catalogue
from vlbench.core.capabilities import NAMES_ALONE
from vlbench.core.contracts import Model, Placement
from vlbench.core.errors import Unsupported
from vlbench.core.result import Result
from vlbench.core.task import Task
from vlbench.options import Options, Request, refuse_method, request_of, resolve

if TYPE_CHECKING:
    from vlbench.engine.job import Job
    from vlbench.engine.measure import Measured
    from vlbench.fitting.context_card import ContextCard
    from vlbench.fitting.coop_recipe import RecipeOptions
    from vlbench.report.paired.comparison import Comparison
    from vlbench.report.site.folder import Written
    from vlbench.report.tables.averages import Additions


def evaluate(
    models: str | Sequence[str], tasks: str | Sequence[str], **options: Unpack[Options]
) -> list[Result]:
    """Score every model on every task; names may hold wildcards.

    Raises:
        VlbenchError: a name, a file or an option is wrong; what was finished is written and stored.
    """
    request = request_of(models, tasks, options)
    try:
        return list(run(request))
    finally:
        rebuild_leaderboards(request)


def run(request: Request, *, tell: Callable[[str], None] | None = None) -> Iterator[Result]:
    """Run a request, model by model; every result is written before it is handed on.

    `tell` is given a line of what each task read, before anything is loaded.

    Raises:
        VlbenchError: as `evaluate`. Everything is named, found and counted before any weights load.
        Unsupported: a model and a task do not go together; raised when all others have run.
    """
    from vlbench.api.kept_results import is_there, question_of, refuse_replacing, write_all
    from vlbench.cards.build import facts_of, zero_shot
    from vlbench.core.task_reading import reading_line, what_was_read
    from vlbench.engine.measure import result_of
    from vlbench.engine.plan import Listed, plan_jobs
    from vlbench.engine.refusal import refuse_seen, seen_by
    from vlbench.engine.remarks import noted, noted_lines

    (models, tasks), data = resolve(request), request.data
    read = {named.task.name: what_was_read(named.task) for named in tasks}
    tell = tell or (lambda _: None)
    for name, said in read.items():
        tell(reading_line(name, said))
    planned: list[list[Job]] = []
    listed: Listed = {}
    refused: dict[str, None] = {}
    for model in models:
        jobs, reasons = plan_jobs(
            model.checkpoint, [named.task for named in tasks], request.settings, request.methods, listed
        )
        planned.append(jobs)
        refused.update(dict.fromkeys(reasons))
    for line in refused if any(planned) else ():
        tell(f"refused: {line}")
    # what is asked is the same of all models, whatever their names for it
    jobs = list(chain.from_iterable(planned))
    asked = {job.task.name: job for job in jobs}
    questions = {name: question_of(job, request.cache) for name, job in asked.items()}
    refuse_replacing(jobs, questions, request)
    for job in jobs:
        if not data.allow_seen_images:
            refuse_seen(job, request.cache)
    cards = {named.task.name: named.card for named in tasks}
    for model, wanted in zip(models, planned, strict=True):
        if request.missing:
            wanted = [job for job in wanted if not is_there(job, questions[job.task.name], request)]
        for job, found in measured(wanted, request):
            remarks = noted(job, request.cache)
            said = {**read[job.task.name], **remarks}
            if NAMES_ALONE in job.checkpoint.capabilities and (data.templates or data.descriptions):
                said["prompt"] = "none: the model reads names alone, no templates or descriptions"
                tell(f"{job.row} on {job.task.name}: first prompt {said['prompt']}")
            for line in noted_lines(job, remarks):
                tell(line)
            seen = seen_by(job, request.cache)
            learned = seen[0] or job.method.learns_from
            result = result_of(
                job,
                found,
                request.cache,
                zero_shot="no" if learned else zero_shot(model.card, cards[job.task.name], data.thresholds),
                seen=seen,
                facts=facts_of(model.card),
                read=said,
            )
            if result.learned:
                stated = ", ".join(f"{name} {value}" for name, value in result.learned.items())
                tell(f"{job.row} on {job.task.name}: learned {stated}")
            if request.results is not None:
                write_all(result, job, found, request, request.results)
            yield result
    if refused:
        raise Unsupported("; ".join(refused))


def measured(jobs: Sequence["Job"], request: Request) -> "Iterator[tuple[Job, Measured]]":
    """One model's jobs with all of their keys, and what is measured of each.

    Its weights are loaded at the first that is not stored; images are encoded once for all that are not.
    """
    from vlbench.engine.plan import located
    from vlbench.engine.stored import stored_measurement

    with ExitStack() as stack:
        session = None
        for place, job in enumerate(jobs):
            known = located(job, request.cache)
            found = None if known is None else stored_measurement(known, request.cache)
            if known is None or found is None:
                # torch is imported here, so that a run with everything stored starts without it
                from vlbench.engine.evaluate import evaluate
                from vlbench.engine.session import Session

                session = session or stack.enter_context(
                    Session(job.checkpoint, request.settings, request.cache)
                )
                session.jobs = jobs[place:]
                known, found = evaluate(known or job, session)
            yield known, found


def rebuild_leaderboards(request: Request) -> tuple[str, ...]:
    """Rebuild the CSVs of a request's results folder; the answer notes what is left out of them, and why."""
    from vlbench.report.tables.leaderboard import notes, write_leaderboards

    if request.results is None or not request.results.is_dir():
        return ()
    additions = leaderboard_additions(request.include)
    return notes(write_leaderboards(request.results, additions), additions)


def leaderboard_additions(include_path: Sequence[Path | str] = ()) -> "Additions":
    """What the cards add to a leaderboard: collections of tasks, and the fits of effective robustness."""
    from vlbench.cards.folders import built_in_folder
    from vlbench.cards.robustness import robustness_fits
    from vlbench.report.tables.averages import Additions

    catalogue = read_catalogue(tuple(map(Path, include_path)), kinds=["task"])
    collections = catalogue.collections.values()
    built_in = built_in_folder()
    return Additions(
        collections={each.name: each.tasks for each in collections},
        metrics={each.name: each.metrics for each in collections},
        weights={each.name: each.weights for each in collections},
        fits=robustness_fits,
        shipped=frozenset(
            task for task, entry in catalogue.tasks.items() if entry.path.is_relative_to(built_in)
        ),
    )


def build_site(
    results: Path | str = "results",
    out: Path | str = "site",
    *,
    include_path: Sequence[Path | str] = (),
    data_root: Sequence[Path | str] = (),
    task_roots: Mapping[str, Path | str] | None = None,
) -> "Written":
    """Write the static pages of a results folder: a leaderboard, a page a task and a model, comparisons.

    Data roots are where images of saved predictions may lie, for thumbnails.

    Raises:
        DataError: the results folder is missing, empty or damaged, or `out` holds other files than a site.
        CardError: a card is wrong.
    """
    from vlbench.api.website import Website, write_website

    website = Website.of(results, include=include_path, roots=data_root, task_roots=task_roots)
    return write_website(website, Path(out), leaderboard_additions(include_path))


def fit_coop(
    model: str,
    task: str,
    *,
    shots: Sequence[int] = (16,),
    seeds: Sequence[int] = (1,),
    recipe: "RecipeOptions | None" = None,
    out: Path | str = "fitted",
    tell: Callable[[str], None] = lambda _: None,
    **options: Unpack[Options],
) -> "Iterator[ContextCard]":
    """Learn a CoOp context for every number of shots and every seed; each is written as it is done.

    `out` takes a context file and a model card for each; options as of `evaluate`. A card says how many of
    its training images are test images of the task, None where those are not here. `tell` is given lines of
    what was read of the data and of the model's files.

    Raises:
        VlbenchError: a name, a file or an option is wrong, or the task has no training split.
    """
    from vlbench.cards.build import open_training
    from vlbench.cards.catalogue import half_name
    from vlbench.core.task_reading import reading_line, what_was_read
    from vlbench.fitting.coop_recipe import Recipe, default_epochs
    from vlbench.fitting.seen import seen_after
    from vlbench.fitting.sweep import Lesson, learn
    from vlbench.fitting.tested import with_tested

    request = request_of(model, (), options)
    refuse_method(request, "fit")
    (named,), _ = resolve(request)
    catalogue = read_catalogue(request.include)
    training = open_training(task, catalogue, request=request.data)
    tell(reading_line(training.task.name, what_was_read(training.task)))
    epochs = training.card.train.epochs if training.card and training.card.train else None
    asked = dict(recipe or {})
    stated = cast("int | None", asked.pop("epochs", None)) or epochs
    recipes = [
        replace(Recipe(epochs=stated or default_epochs(count), shots=count, seed=seed), **cast("Any", asked))
        for count in shots
        for seed in seeds
    ]
    half = half_name(task)
    whole = training if half is None else open_training(half[0], catalogue, request=request.data)
    lesson = Lesson(
        named.checkpoint,
        training.task,
        recipes,
        whole=whole.task,
        base=model,
        base_weights=request.weights,
        half=None if half is None else half[1],
        epochs=epochs,
        seen=seen_after(named.card, training.card, training.task.name),
    )
    written = learn(lesson, request.settings, cache=request.cache, out=Path(out), tell=tell)
    return with_tested(written, task, catalogue, request.data)


def load_model(name: str, **options: Unpack[Options]) -> Model:
    """A model by name, its weights loaded; options as of `evaluate` (device, precision, weights ...).

    Raises:
        VlbenchError: the name is unknown or the weights cannot be read.
    """
    request = request_of(name, (), options)
    refuse_method(request, "load_model")
    models, _ = resolve(request)
    return models[0].checkpoint.load(Placement(request.settings.device, request.settings.precision))


def load_task(name: str, **options: Unpack[Options]) -> Task:
    """A task by name, its data found and counted; no image is opened.

    Raises:
        VlbenchError: the name is unknown, or the data are missing or differ from the card.
    """
    _, tasks = resolve(request_of((), name, options))
    return tasks[0].task


def compare(
    model_a: str,
    model_b: str,
    tasks: str | Sequence[str] = (),
    *,
    results: Path | str = "results",
    seed: int = 0,
) -> "tuple[Comparison, ...]":
    """Test two models of a results folder on the same images, task by task; tasks may hold wildcards.

    Raises:
        VlbenchError: a name is unknown, or results are missing, partial, or of different protocols or data.
    """
    from vlbench.report.paired.compare_models import compare_models

    names = (tasks,) if isinstance(tasks, str) else tuple(tasks)
    return compare_models(Path(results), model_a, model_b, tasks=names, seed=seed)


def list_models(include_path: Sequence[Path | str] = ()) -> tuple[str, ...]:
    """Names of all model cards, sorted."""
    return tuple(sorted(read_catalogue(tuple(map(Path, include_path)), kinds=["model"]).models))


def list_tasks(include_path: Sequence[Path | str] = ()) -> tuple[str, ...]:
    """Names of all task cards, sorted."""
    return tuple(sorted(read_catalogue(tuple(map(Path, include_path)), kinds=["task"]).tasks))
