"""Names to checkpoints and tasks: cards, references and own data, through the registries."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from vlbench.cards.catalogue import Catalogue, Reference, find
from vlbench.cards.data_request import DataRequest
from vlbench.core.contracts import Checkpoint, Origin, PreprocessMode, Task, TaskRequest
from vlbench.core.errors import Unsupported
from vlbench.core.registry import ADAPTERS, TASK_KINDS

__all__ = ["DataRequest", "checkpoint", "task"]


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
    found = find(catalogue.models, name, "model")
    if isinstance(found, Reference):
        origin = Origin(name, weights=weights, cache=cache, preprocess=preprocess)
        return _from_reference(origin, found)
    from vlbench.cards.card_file import read_model_card
    from vlbench.cards.options import check_options

    card = read_model_card(found.path)
    adapter = ADAPTERS.get(card.adapter)
    origin = Origin(name, found.path.parent, weights=weights, cache=cache, preprocess=preprocess)
    return adapter(origin, **check_options(adapter, card.settings).values)


def task(name: str, catalogue: Catalogue, *, request: DataRequest) -> Task:
    """The task of a card, or of own data (`KIND:FOLDER`), on the first source that has the data.

    Raises:
        UnknownName: no card and no task kind has the name.
        CardError: the card or one of its data files is wrong.
        DataError: no source has the data, or they contradict the card.
        PluginError: a plug-in that it names does not import.
    """
    found = find(catalogue.tasks, name, "task")
    if isinstance(found, Reference):
        from vlbench.cards.own_data import own_request

        kind = TASK_KINDS.get(found.scheme)
        return _asked(kind, request.cut(own_request(found, catalogue, request)), {})
    from vlbench.cards.card_file import read_task_card
    from vlbench.cards.card_request import card_request
    from vlbench.cards.options import check_options

    card = read_task_card(found.path)
    kind = TASK_KINDS.get(card.kind)
    settings = check_options(kind, card.settings).values
    return _asked(kind, request.cut(card_request(found, card, request)), settings)


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
    return cast("Callable[..., Task]", kind)(request, **settings)
