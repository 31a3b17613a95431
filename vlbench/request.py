"""What is asked of the API: options with their defaults filled in."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, get_args

from vlbench.core.contracts import Precision, PreprocessMode
from vlbench.core.errors import VlbenchError
from vlbench.core.files import default_cache
from vlbench.core.method import ZERO_SHOT, Method
from vlbench.core.registry import METHODS
from vlbench.engine.settings import FEATURE_BYTES, RunSettings

if TYPE_CHECKING:
    from vlbench.cards.data_request import DataRequest


_CHOICES: Mapping[str, tuple[str, ...]] = {
    "precision": get_args(Precision),
    "preprocess": get_args(PreprocessMode),
}
"""Options that are one of a few words."""


class Options(TypedDict, total=False):
    """What `evaluate` takes beside models and tasks; all have defaults.

    device: "auto", "cpu", "cuda", "cuda:1". precision: "fp32", "bf16", "fp16". batch_size: None is
    auto. workers: loader threads, None by device. limit: this many images spread over the data, result
    partial. feature_bytes: what a task may add to the store; above it, scores are stored in place of
    image features. descriptions, templates, classnames: files that take the place of a task's. thresholds:
    of tags, a number or a file. method: what acts on the model's features or scores, such as "best-f1";
    "zero-shot" is none. allow_seen_images: score images that the model or its method learned from, result not
    zero-shot. data_root: folders of data
    sets. task_roots: {task: its own folder}. results: where JSON and CSVs go, None writes none. cache: the
    feature store, None is the user's cache folder. include_path: folders with more cards. weights: the
    user's own file for the one model named. preprocess: "exact" or "fast". missing: leave out what
    the results folder has, of the same weights, method, protocol and images.
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
    method: str
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
    missing: bool = False
    descriptions: Path | None = None
    classnames: Path | None = None
    templates: Path | None = None
    thresholds: str | None = None
    method: Method = ZERO_SHOT
    allow_seen_images: bool = False


def request_of(models: str | Sequence[str], tasks: str | Sequence[str], options: Options) -> Request:
    """Fill in the defaults of a request.

    Raises:
        VlbenchError: an option is unknown or out of range.
    """
    from vlbench.engine.device import resolve_device

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
        missing=options.get("missing", False),
        descriptions=_path(options.get("descriptions")),
        classnames=_path(options.get("classnames")),
        templates=_path(options.get("templates")),
        thresholds=_thresholds(options.get("thresholds")),
        method=_method(options.get("method", ZERO_SHOT.name)),
        allow_seen_images=options.get("allow_seen_images", False),
    )


def _thresholds(asked: float | Path | str | None) -> str | None:
    if asked is not None and str(asked) in METHODS:
        raise VlbenchError(f"{asked} is a method, which learns thresholds: pass --method {asked}")
    return None if asked is None else str(asked)


def _method(asked: str) -> Method:
    from vlbench.cards.method import asked_method

    return ZERO_SHOT if asked == ZERO_SHOT.name else asked_method(asked)


def refuse_method(request: Request, what: str) -> None:
    """Raise VlbenchError where a method is asked of something that scores a model as it is."""
    if request.method is not ZERO_SHOT:
        raise VlbenchError(f"{what} takes no method; leave {request.method.name} out")


def _path(value: Path | str | None) -> Path | None:
    return None if value is None else Path(value)


def default_workers(device: str) -> int:
    """Loader threads: two beside a CPU's own work, up to sixteen for an accelerator."""
    return min(os.cpu_count() or 1, 2 if device == "cpu" else 16)


def data_request(request: Request) -> "DataRequest":
    """What a request says about data."""
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
        templates=request.templates,
        thresholds=request.thresholds,
        splits=request.method.learns_from,
        allow_seen_images=request.allow_seen_images,
    )
