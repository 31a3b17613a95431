"""What a task card states, resolved: texts, collections, other protocols, published scores, its data."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vlbench.cards.availability import DATASET, cached, first_place
from vlbench.cards.card_file import parse_card
from vlbench.cards.catalogue import MARK, Catalogue
from vlbench.cards.folders import Entry
from vlbench.cards.published import published_of
from vlbench.cards.schema import TaskCard
from vlbench.cards.texts import read_names, read_templates
from vlbench.core.files import shown
from vlbench.core.published import PublishedScore

FIRST = 3
"""How many names and templates are quoted."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """A file of names or templates: how many lines it has and the first of them."""

    file: str
    count: int
    first: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sought:
    """A source of a card; `places` are where it looks, `found` those of them that exist."""

    kind: str
    options: dict[str, object]
    places: tuple[str, ...]
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sister:
    """Another card of the same data set, and its protocol."""

    name: str
    protocol: str
    primary: str


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """A task card, resolved; `here` is the first place that has something of its data, None if none has."""

    name: str
    file: str
    card: dict[str, object]
    names: Quoted | None
    templates: Quoted | None
    collections: tuple[str, ...]
    other_protocols: tuple[Sister, ...]
    published: tuple[PublishedScore, ...]
    data: tuple[Sought, ...]
    here: str | None

    def as_json(self) -> dict[str, object]:
        """The facts as plain values."""
        return {"what": "task", **asdict(self)}


def task_facts(entry: Entry, catalogue: Catalogue, roots: Sequence[Path] = ()) -> TaskFacts:
    """The facts of a task card, its data looked for under roots by existence alone.

    Raises:
        CardError: the card or one of its data files is wrong.
    """
    card = parse_card(entry.path, TaskCard)
    folder = entry.path.parent
    names_file, templates_file = (_found(file, (folder, *roots)) for file in (card.names, card.templates))
    names = None if names_file is None else [text.name for text in read_names(names_file)]
    templates = None if templates_file is None else read_templates(templates_file)
    place = first_place(entry, roots)
    return TaskFacts(
        name=entry.name,
        file=shown(entry.path),
        card=card.model_dump(mode="json"),
        names=_quoted(card.names, names),
        templates=_quoted(card.templates, templates),
        collections=catalogue.collections_of(entry.name),
        other_protocols=_sisters(entry.name, catalogue),
        published=published_of(task=entry.name),
        data=tuple(_sought(source.kind, source.options, (*roots, folder)) for source in card.sources),
        here=None if place is None else place.shown,
    )


def _sisters(name: str, catalogue: Catalogue) -> tuple[Sister, ...]:
    """Cards whose names differ behind the @ alone."""
    data_set = name.partition(MARK)[0]
    return tuple(
        Sister(each.name, str(each.summary.get("protocol")), str(each.summary.get("primary")))
        for each in catalogue.tasks.values()
        if each.name != name and each.name.partition(MARK)[0] == data_set
    )


def _found(file: str | None, folders: Sequence[Path]) -> Path | None:
    """A file of names or templates; None where the card has none, or the user's is not there."""
    places = () if file is None else (folder / file for folder in folders)
    return next((place for place in places if place.is_file()), None)


def _quoted(file: str | None, lines: Sequence[str] | None) -> Quoted | None:
    return None if file is None or lines is None else Quoted(file, len(lines), tuple(lines[:FIRST]))


def _sought(kind: str, options: dict[str, object], roots: Sequence[Path]) -> Sought:
    path, repository = options.get("path"), options.get("repo")
    if isinstance(repository, str):
        cache = cached(DATASET, repository)
        return Sought(kind, options, (cache.shown,), (cache.shown,) if cache.found else ())
    places = [root / Path(path).expanduser() for root in roots] if isinstance(path, str) else []
    names = tuple(dict.fromkeys(shown(place) for place in places))
    return Sought(kind, options, names, tuple(name for name in names if Path(name).exists()))
