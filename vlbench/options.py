"""What is asked of the API: options with their defaults filled in, and the models and tasks they name."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast, get_args

from vlbench.cards.build import NamedModel, NamedTask, open_model, open_task
from vlbench.cards.catalogue import read_catalogue, select
from vlbench.cards.data_request import DataRequest
from vlbench.cards.texts import read_classnames
from vlbench.core.contracts import Precision, PreprocessMode
from vlbench.core.errors import DataError, VlbenchError
from vlbench.core.files import default_cache, shown
from vlbench.core.method import ZERO_SHOT, Method
from vlbench.core.registry import METHODS
from vlbench.engine.settings import FEATURE_BYTES, RunSettings

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "precision": get_args(Precision),
    "preprocess": get_args(PreprocessMode),
}
"""Options that are one of a few words."""
_PATHS = ("results", "weights", "descriptions", "classnames", "templates")


class Options(TypedDict, total=False):
    """What `evaluate` takes beside models and tasks; all have defaults.

    device: "auto", "cpu", "cuda", "cuda:1". precision: "fp32", "bf16", "fp16". batch_size: None is
    auto. workers: loader threads, None by device. limit: this many images (or items) spread over the
    data, result partial. feature_bytes: what a task may add to the store; above it, scores are stored in
    place of image features. descriptions, templates, classnames: files that take the place of a task's.
    thresholds: of tags, a number or a file. method: what acts on the model's features or scores, a row each:
    "zero-shot,ridge@4"; "zero-shot" is none. allow_seen_images: score images that the model or its method
    learned from, result not zero-shot. data_root: folders of data sets. task_roots: {task: its own folder}.
    results: where JSON and CSVs go, None writes none. cache: the feature store, None is the user's cache
    folder. include_path: folders with more cards. weights: the user's own file for the one model named.
    preprocess: "exact" or "fast". missing: leave out what the results folder has, of the same weights,
    method, protocol and images.
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
    templates: Path | str | None
    thresholds: float | Path | str | None
    method: str | Sequence[str]
    allow_seen_images: bool
    data_root: Sequence[Path | str]
    task_roots: Mapping[str, Path | str]
    results: Path | str | None
    cache: Path | str | None
    include_path: Sequence[Path | str]
    weights: Path | str | None
    save_predictions: bool
    missing: bool


@dataclass(frozen=True, slots=True)
class Request:
    """A request with its defaults filled in; `data` is what it says about data and texts."""

    models: tuple[str, ...]
    tasks: tuple[str, ...]
    settings: RunSettings
    data: DataRequest
    cache: Path
    methods: tuple[Method, ...] = (ZERO_SHOT,)
    results: Path | None = None
    include: tuple[Path, ...] = ()
    weights: Path | None = None
    save_predictions: bool = False
    missing: bool = False


def request_of(models: str | Sequence[str], tasks: str | Sequence[str], options: Options) -> Request:
    """Fill in the defaults of a request.

    Raises:
        VlbenchError: an option is unknown or out of range.
    """
    from vlbench.cards.method import asked_methods
    from vlbench.engine.settings import resolve_device

    unknown = options.keys() - Options.__annotations__.keys()
    if unknown:
        raise VlbenchError(f"unknown options {sorted(unknown)}; known: {sorted(Options.__annotations__)}")
    for name, known in _CHOICES.items():
        word = options.get(name)
        if word is not None and word not in known:
            raise VlbenchError(f"{name} is {word!r}; give {' or '.join(known)}")
    for name in ("batch_size", "limit"):
        value = options.get(name)
        if isinstance(value, int) and value < 1:
            raise VlbenchError(f"{name} is {value}; give 1 or more")
    thresholds = options.get("thresholds")
    if thresholds is not None and str(thresholds) in METHODS:
        raise VlbenchError(f"{thresholds} is a method, which learns thresholds: pass --method {thresholds}")
    method = options.get("method", ZERO_SHOT.name)
    cache = Path(options.get("cache") or default_cache()).expanduser()
    device = resolve_device(options.get("device", "auto"), cache)
    workers = options.get("workers")
    if workers is None:  # two beside a CPU's own work, up to sixteen for an accelerator
        workers = min(os.cpu_count() or 1, 2 if device == "cpu" else 16)
    stated = cast("Mapping[str, Path | str | None]", options)
    paths = {name: Path(path) for name in _PATHS if (path := stated.get(name)) is not None}
    methods = asked_methods((method,) if isinstance(method, str) else method)
    return Request(
        models=(models,) if isinstance(models, str) else tuple(models),
        tasks=(tasks,) if isinstance(tasks, str) else tuple(tasks),
        settings=RunSettings(
            device=device,
            precision=options.get("precision", "fp32"),
            preprocess=options.get("preprocess", "exact"),
            batch_size=options.get("batch_size"),
            workers=workers,
            seed=options.get("seed", 0),
            feature_bytes=options.get("feature_bytes", FEATURE_BYTES),
            verify_data=options.get("verify_data", False),
            cache=cache,
        ),
        data=DataRequest(
            roots=tuple(map(Path, options.get("data_root", ()))),
            roots_by_task={task: Path(root) for task, root in options.get("task_roots", {}).items()},
            cache=cache,
            allow_subset=options.get("allow_subset", False),
            limit=options.get("limit"),
            verify=options.get("verify_data", False),
            descriptions=paths.get("descriptions"),
            classnames=paths.get("classnames"),
            templates=paths.get("templates"),
            thresholds=None if thresholds is None else str(thresholds),
            splits=frozenset().union(*(each.learns_from for each in methods)),
            allow_seen_images=options.get("allow_seen_images", False),
        ),
        cache=cache,
        methods=methods,
        results=paths.get("results"),
        include=tuple(map(Path, options.get("include_path", ()))),
        weights=paths.get("weights"),
        save_predictions=options.get("save_predictions", False),
        missing=options.get("missing", False),
    )


def resolve(request: Request) -> tuple[list[NamedModel], list[NamedTask]]:
    """The models and tasks of a request: found and counted, nothing loaded; a task asked for twice is one.

    Raises:
        VlbenchError: a name is unknown, a card is wrong, or data are missing or differ from the card.
        DataError: two tasks of other data share a name, so that the results of one would replace the other's;
            or names that the user gives are not what a task asks by.
    """
    catalogue = read_catalogue(request.include)
    models = select(catalogue, request.models, "model")
    tasks = select(catalogue, request.tasks, "task")
    if request.weights is not None and len(models) != 1:
        raise VlbenchError(f"--weights belongs to one model, not to {len(models)}; name one")
    found: dict[str, NamedTask] = {}
    for name in tasks:
        named = open_task(name, catalogue, request=request.data)
        first = found.setdefault(named.task.name, named)
        here, there = (each.task.problem.images.name for each in (named, first))
        if here != there:
            raise DataError(
                f"{there} and {here} are both {named.task.name}: their folders and their files have equal "
                "names and sizes; rename one of the folders"
            )
    if request.data.classnames is not None:
        own = {text.name for text in read_classnames(request.data.classnames)}
        for name, named in found.items():
            if own.isdisjoint(text.name for text in named.task.problem.texts):
                raise DataError(
                    f"{name}: asks by its data's own texts, and by no name of "
                    f"{shown(request.data.classnames)}; run it without --classnames"
                )
    preprocess = request.settings.preprocess
    cache = None if request.data.verify else request.cache  # files are digested anew, not remembered
    return [
        open_model(name, catalogue, weights=request.weights, preprocess=preprocess, cache=cache)
        for name in models
    ], list(found.values())


def refuse_method(request: Request, what: str) -> None:
    """Raise VlbenchError where a method is asked of something that scores a model as it is."""
    for method in request.methods:
        if method.name != ZERO_SHOT.name:
            raise VlbenchError(f"{what} takes no method; leave {method.name} out")
