"""What `list` tells of a card, read from the card itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from vlbench.cards.availability import BESIDE_CARD, DATA, DATASET, MODEL, PROGRAM
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
    weights: Annotated[
        dict[Word, Annotated[float, Field(gt=0)]],
        Field(
            default_factory=dict,
            description="how much each task counts in the average, such as its items; none: all alike",
        ),
    ]
    groups: Annotated[
        dict[Word, Annotated[tuple[Word, ...], Field(min_length=1)]],
        Field(
            default_factory=dict,
            description="tasks by group: groups count alike in the average, and each is that of its tasks",
        ),
    ]
    about: Annotated[str, Field(description="what a user has to know")] = ""
    source: Annotated[str, Field(description="where the list is stated")] = ""


def read_entry(path: Path, kind: CardKind | None) -> tuple[CardKind, Entry]:
    """A card's kind and entry; kind None is settled by the card's own fields.

    Raises:
        CardError: it is neither a task's nor a model's, or not a right one.
    """
    if kind is None:
        fields = read_fields(path)
        if "adapter" not in fields and "kind" not in fields:
            raise CardError(
                f"{shown(path)}: neither `kind` (a task card) nor `adapter` (a model card); add one"
            )
        kind = "model" if "adapter" in fields else "task"
    if kind == "model":
        model = parse_card(path, ModelCard)
        summary = {field: getattr(model, field) for field in ("family", "parameters", "image_size", "gflops")}
        return kind, Entry(
            path.stem, path, model.title, model.adapter, summary, model.aliases, _model_places(model)
        )
    task = parse_card(path, TaskCard)
    summary = {
        "protocol": task.protocol,
        "primary": task.primary,
        "images": task.expect.images,
        "texts": task.expect.texts,
    }
    places = dict.fromkeys(place for source in task.sources for place in _source_places(source))
    return kind, Entry(path.stem, path, task.title, task.kind, summary, task.aliases, tuple(places))


def read_collection(path: Path) -> Collection:
    """A collection's entry.

    Raises:
        CardError: its file is wrong.
    """
    card = parse_card(path, CollectionCard)
    metrics = {task: (named,) if isinstance(named, str) else named for task, named in card.metrics.items()}
    return Collection(path.stem, path, card.title, card.tasks, metrics, _weights(path, card))


def _weights(path: Path, card: CollectionCard) -> dict[str, float]:
    """How much each task counts in a collection's average; empty where all count alike.

    Raises:
        CardError: weights are not those of all tasks that are averaged, or groups do not hold each once.
    """
    averaged = sorted(task for task in card.tasks if card.metrics.get(task, True))
    grouped = [task for tasks in card.groups.values() for task in tasks]
    for name, told in (("weights", [*card.weights]), ("groups", grouped)):
        if told and sorted(told) != averaged:
            odd = next(task for task in [*averaged, *told] if told.count(task) != averaged.count(task))
            raise CardError(
                f"{shown(path)}: {name}: {odd} stands there {told.count(odd)} times; "
                "name each task that is averaged once, and no other"
            )
    if not card.weights and not grouped:
        return {}
    weights = {task: card.weights.get(task, 1.0) for task in averaged}
    groups = [*card.groups.values()] or [tuple(averaged)]
    return {task: weights[task] / sum(weights[each] for each in tasks) for tasks in groups for task in tasks}


def _source_places(source: SourceFields) -> Iterator[str]:
    """Where the data of a source may lie."""
    options = source.options
    paths = options.get("path")
    if isinstance(paths, str | list):
        for path in [paths] if isinstance(paths, str) else paths:
            yield f"{DATA}:{path}"
    elif "repo" in options:
        yield f"{DATASET}:{options['repo']}"
    else:
        yield f"{PROGRAM}:{source.kind}"


def _model_places(card: ModelCard) -> tuple[str, ...]:
    """Where the weights of a model may lie: beside its card or in the hub's cache; empty if unsaid."""
    packaged = card.settings.get("directory", card.settings.get("context"))
    repository, file = card.settings.get("repository"), card.settings.get("file")
    if isinstance(packaged, str):
        return (f"{BESIDE_CARD}:{packaged}",)
    if card.weights is not None:
        repository, file = card.weights.repo, card.weights.file
    if not isinstance(repository, str):
        return ()
    return (f"{MODEL}:{repository}/{file}" if isinstance(file, str) else f"{MODEL}:{repository}",)
