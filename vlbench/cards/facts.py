"""What `show` prints about a card: its resolved fields, published scores, and which files are here."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from vlbench.cards.availability import cached, first_place, missing_package, places
from vlbench.cards.card_file import parse_card
from vlbench.cards.catalogue import MARK, Catalogue
from vlbench.cards.collection_card import CollectionCard
from vlbench.cards.folders import DATASET, Collection, Entry, ships
from vlbench.cards.published import published_of
from vlbench.cards.schema import ModelCard, TaskCard
from vlbench.cards.texts import read_names, read_templates
from vlbench.core.files import shown
from vlbench.core.published import PublishedScore

FIRST = 3
"""How many names and templates are shown."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of a card; `what` is the kind of card."""

    what: ClassVar[str]

    def as_json(self) -> dict[str, object]:
        return {"what": self.what, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Quoted:
    """A file of names or templates: the number of its lines and the first ones."""

    file: str
    count: int
    first: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """A source of a card; `places` are where it looks, `found` those that exist."""

    kind: str
    options: dict[str, object]
    places: tuple[str, ...]
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OtherProtocol:
    """Another card of the same data set, and its protocol."""

    name: str
    protocol: str
    primary: str


@dataclass(frozen=True, slots=True)
class TaskFacts(Facts):
    """A task card, resolved; `here` is the first place with some of its data, None without one."""

    what: ClassVar[str] = "task"
    name: str
    file: str
    card: dict[str, object]
    names: Quoted | None
    templates: Quoted | None
    collections: tuple[str, ...]
    other_protocols: tuple[OtherProtocol, ...]
    published: tuple[PublishedScore, ...]
    data: tuple[SourceFacts, ...]
    here: str | None


@dataclass(frozen=True, slots=True)
class ModelFacts(Facts):
    """A model card, resolved.

    `weights_here` is the place with its weights. `weights_sought` are the places where they may be; none if
    they come from `--weights` or a base model. `install` names what must be installed.
    """

    what: ClassVar[str] = "model"
    name: str
    file: str
    card: dict[str, object]
    published: tuple[PublishedScore, ...]
    weights_here: str | None
    weights_sought: tuple[str, ...]
    install: str


@dataclass(frozen=True, slots=True)
class Member:
    """A task of a collection; `here` is a place with some of its data.

    `averaged` are the metrics whose mean enters the collection's average: its primary one, or those that the
    collection states. `share` is the weight of the task in the average.
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
class CollectionFacts(Facts):
    """A collection, with its tasks."""

    what: ClassVar[str] = "collection"
    name: str
    file: str
    title: str
    about: str
    source: str
    tasks: tuple[Member, ...]


def task_facts(entry: Entry, catalogue: Catalogue, roots: Sequence[Path] = ()) -> TaskFacts:
    """The facts of a task card; whether its data exist under the roots is checked, nothing more.

    Raises:
        CardError: the card or one of its data files is wrong.
    """
    card = parse_card(entry, TaskCard)
    folder = entry.path.parent
    names_file, templates_file = (_found(file, (folder, *roots)) for file in (card.names, card.templates))
    names = None if names_file is None else [text.name for text in read_names(names_file)]
    templates = None if templates_file is None else read_templates(templates_file)
    place = first_place(entry, roots)
    under = tuple(roots) if ships(folder) else (*roots, folder)
    return TaskFacts(
        name=entry.name,
        file=shown(entry.path),
        card=card.model_dump(mode="json"),
        names=_quoted(card.names, names),
        templates=_quoted(card.templates, templates),
        collections=catalogue.collections_of(entry.name),
        other_protocols=_other_protocols(entry.name, catalogue),
        published=published_of(task=entry.name),
        data=tuple(_source_facts(source.kind, source.options, under) for source in card.sources),
        here=None if place is None else place.shown,
    )


def _other_protocols(name: str, catalogue: Catalogue) -> tuple[OtherProtocol, ...]:
    """The cards whose names differ only after the @."""
    data_set = name.partition(MARK)[0]
    others = [other for other in catalogue.tasks if other != name and other.partition(MARK)[0] == data_set]
    return tuple(
        OtherProtocol(each.name, str(each.summary.get("protocol")), str(each.summary.get("primary")))
        for each in map(catalogue.tasks.__getitem__, others)
    )


def _found(file: str | None, folders: Sequence[Path]) -> Path | None:
    """The path of a file of names or templates; None if the card has none, or the file is not here."""
    places = () if file is None else (folder / file for folder in folders)
    return next((place for place in places if place.is_file()), None)


def _quoted(file: str | None, lines: Sequence[str] | None) -> Quoted | None:
    return None if file is None or lines is None else Quoted(file, len(lines), tuple(lines[:FIRST]))


def _source_facts(kind: str, options: dict[str, object], roots: Sequence[Path]) -> SourceFacts:
    path, repository = options.get("path"), options.get("repo")
    if isinstance(repository, str):
        cache = cached(DATASET, repository)
        return SourceFacts(kind, options, (cache.shown,), (cache.shown,) if cache.found else ())
    places = [root / Path(path).expanduser() for root in roots] if isinstance(path, str) else []
    names = tuple(dict.fromkeys(shown(place) for place in places))
    return SourceFacts(kind, options, names, tuple(name for name in names if Path(name).exists()))


def model_facts(entry: Entry) -> ModelFacts:
    """The facts of a model card.

    Raises:
        CardError: the card is wrong.
    """
    card = parse_card(entry, ModelCard)
    sought = tuple(places(entry, ()))
    return ModelFacts(
        name=entry.name,
        file=shown(entry.path),
        card=card.model_dump(mode="json"),
        published=published_of(model=entry.name),
        weights_here=next((place.shown for place in sought if place.found), None),
        weights_sought=tuple(place.shown for place in sought),
        install=missing_package(card.adapter),
    )


def collection_facts(
    collection: Collection, catalogue: Catalogue, roots: Sequence[Path] = ()
) -> CollectionFacts:
    """The facts of a collection; whether its tasks' data exist under the roots is checked, nothing more.

    Raises:
        CardError: its file is wrong.
    """
    card = parse_card(collection, CollectionCard)
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
