"""Names to checkpoints and tasks: cards, references and own data, through the registries."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from vlbench.cards.catalogue import Catalogue, read_catalogue
from vlbench.cards.class_half import class_half
from vlbench.cards.data_request import DataRequest
from vlbench.cards.entry import Entry
from vlbench.cards.folders import CardFolder
from vlbench.cards.names import Reference, find
from vlbench.cards.threshold_file import read_thresholds
from vlbench.core.contracts import Checkpoint, Origin, PreprocessMode
from vlbench.core.errors import DataError, Unsupported
from vlbench.core.method import SplitName
from vlbench.core.registry import ADAPTERS, TASK_KINDS
from vlbench.core.task import Task, TaskRequest

if TYPE_CHECKING:
    from vlbench.cards.schema import TaskCard

_NO_SPLIT = {
    "train": (
        "its card names no training split, and the test split is not learned from; add a `train` section "
        "to the card, or name a folder of training images: KIND:FOLDER"
    ),
    "validation": (
        "no card names a validation split of it, and thresholds are never chosen on the test split; add a "
        "`validation` section to its card, or pass --thresholds FILE or NUMBER"
    ),
}

__all__ = ["DataRequest", "checkpoint", "task", "training_epochs", "training_task"]


@dataclass(frozen=True, slots=True)
class OtherModels:
    """Opens another model by name, for one that is built on top of it: `open` of an Origin.

    Pickled, it takes the folders of the cards along and not the cards: they are read again where a model
    is asked for, in place of the catalogue.
    """

    catalogue: Catalogue | tuple[CardFolder, ...]
    preprocess: PreprocessMode
    cache: Path | None

    def __call__(self, name: str, *, weights: Path | None = None) -> Checkpoint:
        """The model of a name; see checkpoint for what it raises."""
        catalogue = (
            self.catalogue
            if isinstance(self.catalogue, Catalogue)
            else read_catalogue(folders=self.catalogue)
        )
        return checkpoint(name, catalogue, weights=weights, preprocess=self.preprocess, cache=self.cache)

    def __reduce__(self) -> tuple[object, ...]:
        catalogue = self.catalogue
        folders = catalogue.folders if isinstance(catalogue, Catalogue) else catalogue
        return OtherModels, (folders, self.preprocess, self.cache)


def checkpoint(
    name: str,
    catalogue: Catalogue,
    *,
    weights: Path | None = None,
    preprocess: PreprocessMode = "exact",
    cache: Path | None = None,
) -> Checkpoint:
    """The model of a card, or of `ADAPTER:REFERENCE`; named, not loaded.

    Raises:
        UnknownName: no card and no adapter has the name.
        CardError: the card is wrong.
        PluginError: the adapter does not import.
        Unsupported: the adapter takes no reference.
    """
    found = find(catalogue, name, "model")
    open_other = OtherModels(catalogue, preprocess, cache)
    if isinstance(found, Reference):
        origin = Origin(name, weights=weights, cache=cache, preprocess=preprocess, open=open_other)
        return _from_reference(origin, found)
    from vlbench.cards.card_file import read_model_card
    from vlbench.cards.options import check_options

    card = read_model_card(found.path)
    adapter = ADAPTERS.get(card.adapter)
    origin = Origin(
        name, found.path.parent, weights=weights, cache=cache, preprocess=preprocess, open=open_other
    )
    return adapter(origin, **check_options(adapter, card.settings).values)


def task(name: str, catalogue: Catalogue, *, request: DataRequest) -> Task:
    """The task of a card, of a half of its classes (`X@base`, `X@new`), or of own data (`KIND:FOLDER`).

    The data are those of the first source that has them. Thresholds that are stated make it a task with a
    name and a protocol of its own. Of the splits that the request names it has those that its card names.

    Raises:
        UnknownName: no card and no task kind has the name.
        CardError: the card or one of its data files is wrong.
        DataError: no source has the data, or they contradict the card; thresholds are wrong, or a split that
            is learned from holds test images.
        PluginError: a plug-in that it names does not import.
        Unsupported: a half is asked for, and the task is no classification; or thresholds, and it has no
            tags.
    """
    found = _task(name, catalogue, request)
    if request.thresholds is None and not request.splits:
        return found
    from vlbench.cards.thresholds import learning_from, refuse_shared, refuse_untagged, stated

    if request.thresholds is not None:
        refuse_untagged(found)
        values = read_thresholds(request.thresholds, found.problem.texts)
        found = stated(found, request.thresholds, values)
    for split in sorted(request.splits):
        if not _names_split(name, catalogue, split):
            continue  # what needs it is refused when it is planned, and the other tasks are run
        other = _split_task(name, catalogue, split=split, request=request)
        if not request.allow_seen_images:
            refuse_shared(found, split, other.problem.images, request.cache)
        found = learning_from(found, split, other)
    return found


def _names_split(name: str, catalogue: Catalogue, split: SplitName) -> bool:
    """Whether the card of a task names another split."""
    found = find(catalogue, name, "task")
    if isinstance(found, Reference):
        return False
    from vlbench.cards.card_file import read_task_card

    return getattr(read_task_card(found.path), split) is not None


def _task(name: str, catalogue: Catalogue, request: DataRequest) -> Task:
    found = find(catalogue, name, "task")
    if isinstance(found, Reference):
        from vlbench.cards.own_data import own_request

        kind = TASK_KINDS.get(found.scheme)
        return _asked(kind, request.cut(request.mark(own_request(found, catalogue, request))), {})
    from vlbench.cards.card_file import read_task_card
    from vlbench.cards.card_request import without_repeats
    from vlbench.cards.options import check_options

    card = read_task_card(found.path)
    kind = TASK_KINDS.get(card.kind)
    settings = check_options(kind, card.settings).values
    request = without_repeats(found, card, request)
    return _asked(kind, request.cut(request.mark(_requested(found, card, request))), settings)


def training_task(name: str, catalogue: Catalogue, *, request: DataRequest) -> Task:
    """A task asked of its training split: what `fit` learns from, and no image of the test split.

    Own data (`KIND:FOLDER`) are training data as they lie.

    Raises:
        DataError: the card names no training split, or no source has it.
        UnknownName, CardError, PluginError: as `task`.
    """
    found = find(catalogue, name, "task")
    if isinstance(found, Reference):
        return task(name, catalogue, request=request)
    return _split_task(name, catalogue, split="train", request=request)


def _split_task(name: str, catalogue: Catalogue, *, split: SplitName, request: DataRequest) -> Task:
    """A task asked of another split that its card names."""
    found = find(catalogue, name, "task")
    if isinstance(found, Reference):
        raise DataError(f"{name}: {_NO_SPLIT[split]}")
    from vlbench.cards.card_file import read_task_card
    from vlbench.cards.options import check_options
    from vlbench.cards.schema import Counts

    card = read_task_card(found.path)
    other = card.train if split == "train" else card.validation
    if other is None:
        raise DataError(f"{name}: {_NO_SPLIT[split]}")
    asked = card.model_copy(
        update={
            "sources": other.sources,
            "split": other.split,
            "expect": Counts(texts=card.expect.texts),
        }
    )
    kind = TASK_KINDS.get(card.kind)
    settings = check_options(kind, card.settings).values
    return _asked(kind, request.cut(_requested(found, asked, request)), settings)


def training_epochs(name: str, catalogue: Catalogue) -> int | None:
    """The epochs that a card states for its training split; None where it states none, or has no card."""
    found = find(catalogue, name, "task")
    if isinstance(found, Reference):
        return None
    from vlbench.cards.card_file import read_task_card

    card = read_task_card(found.path)
    return card.train.epochs if card.train is not None else None


def _requested(entry: Entry, card: "TaskCard", request: DataRequest) -> TaskRequest:
    """What a card asks of its kind, of the half of its classes that the entry says."""
    from vlbench.cards.card_request import card_request

    whole = card_request(entry, card, request)
    return whole if entry.half is None else class_half(whole, entry.half)


def _from_reference(origin: Origin, reference: Reference) -> Checkpoint:
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


def _asked(kind: object, request: TaskRequest, settings: Mapping[str, object]) -> Task:
    """The task of a kind; the settings that it declares are its keyword-only parameters."""
    built = cast("Callable[..., Task]", kind)(request, **settings)
    return replace(built, remarks=(*built.remarks, *request.remarks)) if request.remarks else built
