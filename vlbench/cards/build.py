"""Opens models and tasks by name: cards, references and the user's own data, through the registries."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random

from vlbench.cards.card_file import SETTINGS, read_card
from vlbench.cards.card_request import Search, card_request, no_data, search_sources
from vlbench.cards.catalogue import Catalogue, Reference, find, read_catalogue
from vlbench.cards.data_request import DataRequest
from vlbench.cards.folders import Folders
from vlbench.cards.own_data import own_request, request_of
from vlbench.cards.own_texts import marked, without_repeats
from vlbench.cards.schema import ModelCard, TaskCard
from vlbench.cards.thresholds import (
    learning_from,
    read_thresholds,
    refuse_shared,
    refuse_untagged,
    stated,
    stated_number,
)
from vlbench.core.contracts import Checkpoint, Dataset, Origin, PreprocessMode
from vlbench.core.dataset import subset
from vlbench.core.errors import DataError, Unsupported, VlbenchError
from vlbench.core.limit import Limit, limited
from vlbench.core.method import SplitName
from vlbench.core.outside_name import no_text
from vlbench.core.registry import ADAPTERS, TASK_KINDS
from vlbench.core.result import ZeroShot
from vlbench.core.task import Task, TaskKind, TaskRequest

_LIMIT_SEED = 0
"""The seed for a limit, so that every run takes the same images."""
_FACTS = ("family", "parameters", "gflops", "image_size", "licence")


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A model that was asked for; `card` is None without a card, or with the user's own weights.

    `step` is the training step of a checkpoint of the run that `steps_of` names.
    """

    checkpoint: Checkpoint
    card: ModelCard | None
    step: int | None = None
    steps_of: str = ""


@dataclass(frozen=True, slots=True)
class NamedTask:
    """A task that was asked for; `card` is None for the user's own data."""

    task: Task
    card: TaskCard | None


def open_model(
    name: str,
    catalogue: Catalogue,
    *,
    weights: Path | None = None,
    step: int | None = None,
    preprocess: PreprocessMode = "exact",
    cache: Path | None = None,
) -> NamedModel:
    """Open the model of a card or of `ADAPTER:REFERENCE`, without loading it.

    Raises:
        UnknownName: no card and no adapter has the name.
        CardError: the card is wrong.
        PluginError: the adapter fails to import.
        Unsupported: the adapter takes no reference.
    """
    found = find(catalogue, name, "model")
    # cards do not travel to another process with a model: they are read again where it opens its base
    open_other = partial(_open_other, catalogue.folders, preprocess, cache)
    folder = None if isinstance(found, Reference) else found.path.parent
    origin = Origin(
        name, folder, weights=weights, cache=cache, preprocess=preprocess, open=open_other, step=step
    )
    steps_of = "" if step is None else name
    if isinstance(found, Reference):
        return NamedModel(_from_reference(origin, found), None, step, steps_of)
    read = read_card(found, ModelCard)
    checkpoint = read.plug_ins[SETTINGS](origin)
    return NamedModel(checkpoint, read.card if weights is None else None, step, steps_of)


def open_task(
    name: str, catalogue: Catalogue, *, request: DataRequest, search: Search | None = None
) -> NamedTask:
    """Open the task of a card, of a half of its classes (`X@base`, `X@new`), or of a folder (`KIND:FOLDER`).

    The data come from the first source that has them, or from `search` if that was done before. Stated
    thresholds make it a task with its own name and protocol. It has those of the requested splits that its
    card names.

    Raises:
        UnknownName: no card and no task kind has the name.
        CardError: the card or one of its data files is wrong.
        DataError: no source has the data, or they contradict the card; thresholds are wrong, or a split to
            learn from contains test images.
        PluginError: a plug-in of the card fails to import.
        Unsupported: a half is asked for and the task is no classification, or thresholds are stated and it
            has no tags.
    """
    found = find(catalogue, name, "task") if search is None else search.entry
    read = None
    if isinstance(found, Reference):
        kind = TASK_KINDS.get(found.scheme)
        asked = own_request(found, catalogue, request)
    else:
        read = read_card(found, TaskCard) if search is None else search.read
        kind = read.plug_ins[SETTINGS]
        if any((request.classnames, request.templates, request.descriptions)):
            request = without_repeats(found, read.card, request)
        asked = card_request(search or search_sources(found, read, request), request)
    task = _in_place(kind, asked, request)
    for split in sorted(request.splits):
        # what needs a split that is not there is refused when it is planned, and the other tasks are run
        if isinstance(found, Reference) or read is None or getattr(read.card, split) is None:
            continue
        looked = search_sources(found, read, request, split)
        if looked.source is None:  # refused where a method needs it; the others go on
            task = replace(task, not_found={**task.not_found, split: no_data(looked.passed_over)})
            continue
        task = _with_split(task, split, kind, card_request(looked, request, split), request)
    return NamedTask(task, None if read is None else read.card)


def open_held(
    kind: str,
    source: Dataset,
    name: str,
    catalogue: Catalogue,
    request: DataRequest,
    splits: Mapping[SplitName, Dataset],
) -> NamedTask:
    """Open a task of a kind on data that a program holds, called `KIND:NAME`, else after their content.

    Raises:
        CardError, DataError, Unsupported: as `open_task`.
    """
    called = f"{kind}:{name or f'data@{source.revision[:6]}'}"
    asked = request_of(source, called, kind, catalogue, request)
    made = TASK_KINDS.get(kind)
    task = _in_place(made, asked, request)
    for split, other in splits.items():
        task = _with_split(task, split, made, replace(asked, source=other, remarks=()), request)
    return NamedTask(task, None)


def _with_split(
    task: Task, split: SplitName, kind: TaskKind, asked: TaskRequest, request: DataRequest
) -> Task:
    other = _asked(kind, replace(asked, name=f"{asked.name} ({split} split)"), request.limit)
    if not request.allow_seen_images:
        refuse_shared(task, split, other.problem.images, request.cache)
    return learning_from(task, split, other)


def open_training(name: str, catalogue: Catalogue, *, request: DataRequest) -> NamedTask:
    """Open a task with the images of its training split, for `fit`; no test image is used.

    All images of a folder (`KIND:FOLDER`) are training data.

    Raises:
        DataError: the card names no training split, or no source has it.
        UnknownName, CardError, PluginError: as `open_task`.
    """
    found = find(catalogue, name, "task")
    if isinstance(found, Reference):
        return open_task(name, catalogue, request=request)
    read = read_card(found, TaskCard)
    if read.card.train is None:
        raise DataError(
            f"{name}: its card names no training split, and the test split is not learned from; add a "
            "`train` section to the card, or name a folder of training images: KIND:FOLDER"
        )
    asked = card_request(search_sources(found, read, request, "train"), request, "train")
    return NamedTask(_asked(read.plug_ins[SETTINGS], asked, request.limit), read.card)


def is_zero_shot(model: ModelCard | None, task: TaskCard | None, thresholds: str | None = None) -> ZeroShot:
    """Whether a model has seen none of a task's data sets: "unknown" if a card does not state it.

    A file of `thresholds` does not state on which images they were chosen.
    """
    if model is None or task is None or not task.data:
        return "unknown"
    if {*(model.trained_on or ()), *model.tuned_on} & set(task.data):
        return "no"
    told = thresholds is None or stated_number(thresholds) is not None
    return "unknown" if model.trained_on is None or model.tuned_on or not told else "yes"


def facts_of(model: ModelCard | None) -> dict[str, str | int | float]:
    """The facts of a model's card that a leaderboard shows, as far as the card states them."""
    if model is None:
        return {}
    stated = {field: getattr(model, field) for field in _FACTS}
    return {field: value for field, value in stated.items() if value not in (None, "")}


def _open_other(
    folders: Folders, mode: PreprocessMode, cache: Path | None, name: str, *, weights: Path | None = None
) -> Checkpoint:
    """The model with a name, for another model that is built on top of it."""
    catalogue = read_catalogue(folders=folders, kinds=("model",))
    return open_model(name, catalogue, weights=weights, preprocess=mode, cache=cache).checkpoint


def _from_reference(origin: Origin, reference: Reference) -> Checkpoint:
    if wrong := no_text(reference.rest):
        raise VlbenchError(f"{reference.scheme}: {wrong}")
    adapter = ADAPTERS.get(reference.scheme)
    parameters = inspect.signature(adapter).parameters
    if "reference" not in parameters and not any(
        each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values()
    ):
        raise Unsupported(
            f"{origin.name}: the adapter {reference.scheme!r} is used through model cards alone; "
            "`vlbench list models` lists them"
        )
    return adapter(origin, reference=reference.rest)


def _in_place(kind: TaskKind, asked: TaskRequest, request: DataRequest) -> Task:
    """The task of a request, marked where the user's texts or thresholds replace its own."""
    if any((request.classnames, request.templates, request.descriptions)):
        asked = marked(asked, request)
    task = _asked(kind, asked, request.limit)
    if request.thresholds is None:
        return task
    refuse_untagged(task)
    return stated(task, request.thresholds, read_thresholds(request.thresholds, task.problem.texts))


def _asked(kind: TaskKind, asked: TaskRequest, limit: Limit | None) -> Task:
    """The task that a kind makes from a request, with the remarks of the request.

    With `limit`, a number or a fraction, one image is drawn from each of so many equal spans, and the task is
    marked partial. Images at fixed distances could all have one class, if the data cycle through the classes.
    For data with items, items are drawn with all of their images.

    Raises:
        DataError: the limit is below 1.
    """
    if limit is not None and limit <= 0:
        raise DataError(f"{asked.name}: a limit of {limit} leaves no image; give 1 or more")
    offers = asked.source.offers
    count = len(offers.items or asked.source)
    wanted = count if limit is None else limited(limit, count)
    if wanted < count:
        draw = Random(_LIMIT_SEED)  # noqa: S311 - a sample, no secret
        ends = [i * count // wanted for i in range(wanted + 1)]
        indices = tuple(draw.randrange(start, stop) for start, stop in pairwise(ends))
        source = asked.source
        if offers.items:
            items = tuple(offers.items[index] for index in indices)
            indices = tuple(sorted({image for item in items for image in item.images}))
            source = replace(source, offers=replace(offers, items=items))
        asked = replace(asked, source=subset(source, indices), partial=f"limit {wanted}")
    task = kind(asked)
    return replace(task, remarks=(*task.remarks, *asked.remarks)) if asked.remarks else task
