"""evaluate, load_model, load_task and the lists: where cards, engine and report meet."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, cast

from vlbench.core.contracts import Checkpoint, Model, Precision, PreprocessMode, Task
from vlbench.core.errors import VlbenchError
from vlbench.core.files import default_cache
from vlbench.core.result import Result
from vlbench.engine.settings import FEATURE_BYTES, RunSettings

if TYPE_CHECKING:
    from vlbench.cards.data_request import DataRequest
    from vlbench.engine.plan import Job
    from vlbench.fitting.context_card import ContextCard


class Options(TypedDict, total=False):
    """What `evaluate` takes beside models and tasks; all have defaults.

    device: "auto", "cpu", "cuda", "cuda:1". precision: "fp32", "bf16", "fp16". batch_size: None is
    auto. workers: loader threads, None by device. limit: this many evenly spaced images, result
    partial. feature_bytes: what a task may add to the store; above it, scores are stored in place of
    image features. descriptions, classnames: files that take the place of prompts and names. data_root:
    folders of data sets. task_roots: {task: its own folder}. results: where JSON and CSVs go, None writes
    none.
    cache: the feature store, None is the user's cache folder. include_path: folders with more cards.
    weights: the user's own file for the one model named. preprocess: "exact" or "fast".
    """

    device: str
    precision: Precision
    preprocess: PreprocessMode
    batch_size: int | None
    workers: int | None
    seed: int
    limit: int | None
    allow_subset: bool
    verify_data: bool
    feature_bytes: int
    descriptions: Path | str | None
    classnames: Path | str | None
    data_root: Sequence[Path | str]
    task_roots: Mapping[str, Path | str]
    results: Path | str | None
    cache: Path | str | None
    include_path: Sequence[Path | str]
    weights: Path | str | None
    save_predictions: bool


@dataclass(frozen=True, slots=True)
class Request:
    """A request with its defaults filled in; roots hold folders for any task, task_roots one task's own."""

    models: tuple[str, ...]
    tasks: tuple[str, ...]
    settings: RunSettings
    cache: Path
    results: Path | None = None
    include: tuple[Path, ...] = ()
    roots: tuple[Path, ...] = ()
    task_roots: Mapping[str, Path] = field(default_factory=dict)
    limit: int | None = None
    weights: Path | None = None
    allow_subset: bool = False
    verify_data: bool = False
    save_predictions: bool = False
    descriptions: Path | None = None
    classnames: Path | None = None


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


def request_of(models: str | Sequence[str], tasks: str | Sequence[str], options: Options) -> Request:
    """Fill in the defaults of a request.

    Raises:
        VlbenchError: an option is unknown or out of range.
    """
    from vlbench.engine.device import resolve_device

    unknown = options.keys() - Options.__annotations__.keys()
    if unknown:
        raise VlbenchError(f"unknown options {sorted(unknown)}; known: {sorted(Options.__annotations__)}")
    for name in ("batch_size", "limit"):
        value = options.get(name)
        if isinstance(value, int) and value < 1:
            raise VlbenchError(f"{name} is {value}; give 1 or more")
    cache = Path(options.get("cache") or default_cache()).expanduser()
    device = resolve_device(options.get("device", "auto"), cache)
    workers = options.get("workers")
    return Request(
        models=(models,) if isinstance(models, str) else tuple(models),
        tasks=(tasks,) if isinstance(tasks, str) else tuple(tasks),
        settings=RunSettings(
            device=device,
            precision=options.get("precision", "fp32"),
            preprocess=options.get("preprocess", "exact"),
            batch_size=options.get("batch_size"),
            workers=default_workers(device) if workers is None else workers,
            seed=options.get("seed", 0),
            feature_bytes=options.get("feature_bytes", FEATURE_BYTES),
        ),
        cache=cache,
        results=_path(options.get("results")),
        include=tuple(map(Path, options.get("include_path", ()))),
        roots=tuple(map(Path, options.get("data_root", ()))),
        task_roots={task: Path(root) for task, root in options.get("task_roots", {}).items()},
        limit=options.get("limit"),
        weights=_path(options.get("weights")),
        allow_subset=options.get("allow_subset", False),
        verify_data=options.get("verify_data", False),
        save_predictions=options.get("save_predictions", False),
        descriptions=_path(options.get("descriptions")),
        classnames=_path(options.get("classnames")),
    )


def run(request: Request) -> Iterator[Result]:
    """Run a request, model by model; every result is written before it is handed on.

    Raises:
        VlbenchError: as `evaluate`. Everything is named, found and counted before any weights load.
    """
    from vlbench.engine.plan import plan_job
    from vlbench.engine.stored import stored_result
    from vlbench.report.results import write_result

    checkpoints, tasks = _resolve(request)
    jobs = [[plan_job(checkpoint, task, request.settings) for task in tasks] for checkpoint in checkpoints]
    for of_model in jobs:
        session = None
        for job in of_model:
            result = stored_result(job, request.cache, seed=request.settings.seed)
            if result is None:
                # torch is imported here, so that a run with everything stored starts without it
                from vlbench.engine.evaluate import Session, evaluate

                session = session or Session(job.checkpoint, request.settings)
                result = evaluate(job, session, request.cache)
            if request.results is not None:
                write_result(result, request.results)
                if request.save_predictions:
                    _write_predictions(job, result, request.cache, request.results)
            yield result


def rebuild_leaderboards(request: Request) -> tuple[str, ...]:
    """Rebuild the CSVs of a request's results folder; the answer notes what is left out of them, and why."""
    from vlbench.report.leaderboard import notes, write_leaderboards

    if request.results is None or not request.results.is_dir():
        return ()
    return notes(write_leaderboards(request.results))


def _write_predictions(job: "Job", result: Result, cache: Path, folder: Path) -> None:
    from vlbench.engine.stored import stored_prediction
    from vlbench.report.predictions import write_predictions

    kept = stored_prediction(job, cache)
    if kept is None:
        raise VlbenchError(
            f"{result.model} on {result.task}: the stored predictions are gone; empty {cache} and rerun"
        )
    write_predictions(result, job.task.problem, kept[0], folder)


class RecipeOptions(TypedDict, total=False):
    """What may differ from CoOp's recipe: see fitting/coop_recipe.py."""

    n_ctx: int
    class_specific: bool
    position: Literal["end", "middle", "front"]
    ctx_init: str
    features: Literal["augmented", "frozen"]
    batch_size: int
    epochs: int


def fit_coop(
    model: str,
    task: str,
    *,
    shots: Sequence[int] = (16,),
    seeds: Sequence[int] = (1,),
    recipe: RecipeOptions | None = None,
    out: Path | str = "fitted",
    **options: Unpack[Options],
) -> "Iterator[ContextCard]":
    """Learn a CoOp context for every number of shots and every seed; each is written as it is done.

    `out` takes a context file and a model card for each; options as of `evaluate`.

    Raises:
        VlbenchError: a name, a file or an option is wrong, or the task has no training split.
    """
    from vlbench.cards.build import training_epochs, training_task
    from vlbench.cards.catalogue import read_catalogue
    from vlbench.cards.class_half import HalfName
    from vlbench.fitting.coop_recipe import Recipe, default_epochs
    from vlbench.fitting.sweep import Lesson, learn

    request = request_of(model, (), options)
    (checkpoint,), _ = _resolve(request)
    catalogue = read_catalogue(request.include)
    data = _data_request(request)
    training = training_task(task, catalogue, request=data)
    epochs = training_epochs(task, catalogue)
    asked = dict(recipe or {})
    stated = cast("int | None", asked.pop("epochs", None)) or epochs
    recipes = [
        replace(Recipe(epochs=stated or default_epochs(count), shots=count, seed=seed), **cast("Any", asked))
        for count in shots
        for seed in seeds
    ]
    half = HalfName.of(task)
    whole = training if half is None else training_task(half.task, catalogue, request=data)
    lesson = Lesson(
        checkpoint,
        training,
        recipes,
        whole=whole,
        base=model,
        base_weights=request.weights,
        half=None if half is None else half.half,
        epochs=epochs,
    )
    return learn(lesson, request.settings, cache=request.cache, out=Path(out))


def load_model(name: str, **options: Unpack[Options]) -> Model:
    """A model by name, its weights loaded; options as of `evaluate` (device, precision, weights ...).

    Raises:
        VlbenchError: the name is unknown or the weights cannot be read.
    """
    request = request_of(name, (), options)
    checkpoints, _ = _resolve(request)
    return checkpoints[0].load(request.settings.placement)


def load_task(name: str, **options: Unpack[Options]) -> Task:
    """A task by name, its data found and counted; no image is opened.

    Raises:
        VlbenchError: the name is unknown, or the data are missing or differ from the card.
    """
    _, tasks = _resolve(request_of((), name, options))
    return tasks[0]


def list_models(include_path: Sequence[Path | str] = ()) -> tuple[str, ...]:
    """Names of all model cards, sorted."""
    from vlbench.cards.catalogue import read_catalogue

    return tuple(sorted(read_catalogue(tuple(map(Path, include_path))).models))


def list_tasks(include_path: Sequence[Path | str] = ()) -> tuple[str, ...]:
    """Names of all task cards, sorted."""
    from vlbench.cards.catalogue import read_catalogue

    return tuple(sorted(read_catalogue(tuple(map(Path, include_path))).tasks))


def _path(value: Path | str | None) -> Path | None:
    return None if value is None else Path(value)


def default_workers(device: str) -> int:
    """Loader threads: two beside a CPU's own work, up to sixteen for an accelerator."""
    return min(os.cpu_count() or 1, 2 if device == "cpu" else 16)


def _data_request(request: Request) -> "DataRequest":
    from vlbench.cards.data_request import DataRequest

    return DataRequest(
        roots=request.roots,
        roots_by_task=request.task_roots,
        cache=request.cache,
        allow_subset=request.allow_subset,
        limit=request.limit,
        verify=request.verify_data,
        descriptions=request.descriptions,
        classnames=request.classnames,
    )


def _resolve(request: Request) -> tuple[list[Checkpoint], list[Task]]:
    from vlbench.cards.build import checkpoint, task
    from vlbench.cards.catalogue import read_catalogue
    from vlbench.cards.names import select

    catalogue = read_catalogue(request.include)
    models = select(catalogue, request.models, "model")
    tasks = select(catalogue, request.tasks, "task")
    if request.weights is not None and len(models) != 1:
        raise VlbenchError(f"--weights belongs to one model, not to {len(models)}; name one")
    data = _data_request(request)
    built_tasks = [task(name, catalogue, request=data) for name in tasks]
    checkpoints = [
        checkpoint(
            name,
            catalogue,
            weights=request.weights,
            preprocess=request.settings.preprocess,
            cache=request.cache,
        )
        for name in models
    ]
    return checkpoints, built_tasks
