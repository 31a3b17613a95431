"""What `list` tells of a card, read from the card itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from vlbench.cards.availability import BESIDE_CARD, DATA, DATASET, MODEL, PROGRAM, stated_place
from vlbench.cards.card_file import parse_card, read_fields
from vlbench.cards.folders import CardKind, Collection, Entry
from vlbench.cards.schema import Fields, ModelCard, SourceFields, TaskCard, Word
from vlbench.core.errors import CardError
from vlbench.core.files import shown


class CollectionCard(Fields):
    """Tasks that a tool or paper reports together."""

    title: Annotated[Word, Field(description="what people call it")]
    tasks: Annotated[tuple[Word, ...], Field(min_length=1, description="names of task cards")]
    metrics: Annotated[
        dict[Word, Word | tuple[Word, ...]],
        Field(
            default_factory=dict,
            description="of a task, what the collection averages in place of its primary metric: a metric, "
            "several whose mean counts, or none ([]), which leaves it out of the average",
        ),
    ]
    about: Annotated[str, Field(description="what a user has to know")] = ""
    source: Annotated[str, Field(description="where the list is stated")] = ""


def read_entry(path: Path, kind: CardKind | None) -> tuple[CardKind, Entry]:
    """A card's kind and entry; kind None is settled by the card's own fields.

    Raises:
        CardError: it is neither a task's nor a model's, or not a right one.
    """
    if (kind or kind_of(path)) == "task":
        return "task", task_entry(path, parse_card(path, TaskCard))
    return "model", model_entry(path, parse_card(path, ModelCard))


def read_collection(path: Path) -> Collection:
    """A collection's entry.

    Raises:
        CardError: its file is wrong.
    """
    card = parse_card(path, CollectionCard)
    metrics = {task: (named,) if isinstance(named, str) else named for task, named in card.metrics.items()}
    return Collection(path.stem, path, card.title, card.tasks, metrics)


def kind_of(path: Path) -> CardKind:
    """Whether a file is a task card (it has a `kind`) or a model card (it has an `adapter`).

    Raises:
        CardError: it is neither.
    """
    fields = read_fields(path)
    if "adapter" in fields:
        return "model"
    if "kind" in fields:
        return "task"
    raise CardError(f"{shown(path)}: neither `kind` (a task card) nor `adapter` (a model card); add one")


def task_entry(path: Path, card: TaskCard) -> Entry:
    """The entry of a task card."""
    summary = {
        "protocol": card.protocol,
        "primary": card.primary,
        "images": card.expect.images,
        "texts": card.expect.texts,
    }
    places = task_places(card)
    return Entry(path.stem, path, card.title, card.kind, summary, aliases=card.aliases, places=places)


def model_entry(path: Path, card: ModelCard) -> Entry:
    """The entry of a model card."""
    summary = {
        "family": card.family,
        "parameters": card.parameters,
        "image_size": card.image_size,
        "gflops": card.gflops,
    }
    places = model_places(card)
    return Entry(path.stem, path, card.title, card.adapter, summary, aliases=card.aliases, places=places)


def task_places(card: TaskCard) -> tuple[str, ...]:
    """Where the data of a task may lie, in the order of its sources, each once."""
    return tuple(dict.fromkeys(place for source in card.sources for place in _source_places(source)))


def _source_places(source: SourceFields) -> Iterator[str]:
    options = source.options
    paths = options.get("path")
    if isinstance(paths, str | list):
        for path in [paths] if isinstance(paths, str) else paths:
            yield stated_place(DATA, str(path))
    elif "repo" in options:
        yield stated_place(DATASET, str(options["repo"]))
    else:
        yield stated_place(PROGRAM, source.kind)


def model_places(card: ModelCard) -> tuple[str, ...]:
    """Where the weights of a model may lie: beside its card or in the hub's cache; empty if unsaid."""
    packaged = card.settings.get("directory", card.settings.get("context"))
    repository, file = card.settings.get("repository"), card.settings.get("file")
    if isinstance(packaged, str):
        return (stated_place(BESIDE_CARD, packaged),)
    if card.weights is not None:
        repository, file = card.weights.repo, card.weights.file
    if not isinstance(repository, str):
        return ()
    return (stated_place(MODEL, "/".join(part for part in (repository, file) if isinstance(part, str))),)
