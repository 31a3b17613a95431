"""What a collection of tasks states, and which of its tasks have data here."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vlbench.cards.availability import first_place
from vlbench.cards.card_file import parse_card
from vlbench.cards.catalogue import Catalogue
from vlbench.cards.folders import Collection
from vlbench.cards.summary import CollectionCard
from vlbench.core.files import shown


@dataclass(frozen=True, slots=True)
class Member:
    """A task of a collection; `here` is a place that has something of its data.

    `averaged` are the metrics whose mean enters the collection's average: its primary one, or those that
    the collection states. `share` is how much of the average the task is.
    """

    name: str
    kind: str
    protocol: str
    primary: str
    averaged: tuple[str, ...]
    share: float
    images: int | None
    texts: int | None
    here: str | None


@dataclass(frozen=True, slots=True)
class CollectionFacts:
    """A collection, with its tasks."""

    name: str
    file: str
    title: str
    about: str
    source: str
    tasks: tuple[Member, ...]

    def as_json(self) -> dict[str, object]:
        """The facts as plain values."""
        return {"what": "collection", **asdict(self)}


def collection_facts(
    collection: Collection, catalogue: Catalogue, roots: Sequence[Path] = ()
) -> CollectionFacts:
    """The facts of a collection, its tasks' data looked for under roots by existence alone.

    Raises:
        CardError: its file is wrong.
    """
    card = parse_card(collection.path, CollectionCard)
    return CollectionFacts(
        name=collection.name,
        file=shown(collection.path),
        title=card.title,
        about=card.about,
        source=card.source,
        tasks=tuple(_member(name, collection, catalogue, roots) for name in collection.tasks),
    )


def _member(name: str, collection: Collection, catalogue: Catalogue, roots: Sequence[Path]) -> Member:
    entry = catalogue.tasks[name]
    images, texts = entry.summary.get("images"), entry.summary.get("texts")
    primary = str(entry.summary.get("primary"))
    averaged = [task for task in collection.tasks if collection.metrics.get(task, True)]
    weights = collection.weights or dict.fromkeys(averaged, 1.0)
    place = first_place(entry, roots)
    return Member(
        name=name,
        kind=entry.kind,
        protocol=str(entry.summary.get("protocol")),
        primary=primary,
        averaged=collection.metrics.get(name, (primary,)),
        share=weights.get(name, 0.0) / (sum(weights.values()) or 1.0),
        images=images if isinstance(images, int) else None,
        texts=texts if isinstance(texts, int) else None,
        here=None if place is None else place.shown,
    )
