"""The catalogue of cards: names, files and what `list` prints of them, without reading each card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vlbench.cards.class_half import Half
from vlbench.cards.folders import CardFolder, CardKind, card_folders
from vlbench.core.errors import CardError

RESERVED = frozenset(":,*?[]/\\ ")
"""Characters that a card's name holds none of."""

RESERVED_IN_ALIASES = RESERVED - {"/"}
Summary = Mapping[str, str | int | float | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """A card by name; `kind` is a task's kind or a model's adapter, `summary` what `list` prints.

    `aliases` are other tools' names for it. `places` are where its data or weights may lie, as
    vlbench/cards/availability.py reads them. `half` says which of a task's classes were asked for
    (`X@base`); None is all of them.
    """

    name: str
    path: Path
    title: str
    kind: str
    summary: Summary = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    half: Half | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """Tasks that are run and averaged together, by the name that a tool or paper gives them.

    `metrics` are what is averaged of a task where that is not its primary metric: the mean of those named;
    a task with none is left out of the average.
    """

    name: str
    path: Path
    title: str
    tasks: tuple[str, ...]
    metrics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All cards by name, sorted; `folders` are where they were found.

    `stands_for` holds, by kind, what other names mean: an alias one card, a collection its tasks.
    """

    models: Mapping[str, Entry] = field(default_factory=dict)
    tasks: Mapping[str, Entry] = field(default_factory=dict)
    collections: Mapping[str, Collection] = field(default_factory=dict)
    folders: tuple[CardFolder, ...] = ()
    stands_for: Mapping[CardKind, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        entries: Mapping[CardKind, Mapping[str, Entry]],
        collections: Mapping[str, Collection],
        folders: tuple[CardFolder, ...] = (),
    ) -> "Catalogue":
        """A catalogue whose names are unambiguous.

        Raises:
            CardError: two things share a name, or a collection names a task that is not there.
        """
        models, tasks = (dict(sorted(entries.get(kind, {}).items())) for kind in ("model", "task"))
        stands_for: dict[CardKind, dict[str, tuple[str, ...]]] = {
            "model": _aliases(models),
            "task": _aliases(tasks),
        }
        for collection in collections.values():
            taken = collection.name in tasks or collection.name in stands_for["task"]
            missing = [task for task in (*collection.tasks, *collection.metrics) if task not in tasks]
            if taken:
                raise CardError(f"{collection.path}: a task is called {collection.name!r}; rename the file")
            if missing:
                raise CardError(
                    f"{collection.path}: no card for {', '.join(missing[:3])}; add it, or correct the name"
                )
            stands_for["task"][collection.name] = collection.tasks
        return cls(models, tasks, dict(sorted(collections.items())), folders, stands_for)

    def entries(self, what: CardKind) -> Mapping[str, Entry]:
        """The cards of a kind."""
        return self.models if what == "model" else self.tasks

    def collections_of(self, task: str) -> tuple[str, ...]:
        """Names of the collections that a task is in."""
        return tuple(each.name for each in self.collections.values() if task in each.tasks)

    @property
    def task_folders(self) -> tuple[Path, ...]:
        """Folders that may hold task cards and their data files."""
        return tuple(folder.path for folder in self.folders if folder.kind != "model")


def read_catalogue(include: Sequence[Path] = ()) -> Catalogue:
    """All cards: built-in, of installed plug-ins, and under the folders that a user includes.

    Raises:
        CardError: two cards of one name, or a card outside the index that cannot be read.
        PluginError: a plug-in's cards are not where it says.
    """
    return read_folders(card_folders(include))


def read_folders(folders: tuple[CardFolder, ...]) -> Catalogue:
    """All cards of some folders.

    Raises:
        CardError: two cards of one name, or a card outside the index that cannot be read.
    """
    from vlbench.cards.index import read_folder

    found: dict[CardKind, dict[str, Entry]] = {"model": {}, "task": {}}
    collections: dict[str, Collection] = {}
    for folder in folders:
        content = read_folder(folder)
        for kind, entry in content.entries:
            other = found[kind].setdefault(entry.name, entry)
            if other is not entry:
                raise CardError(
                    f"{kind} {entry.name!r} has two cards, {other.path} and {entry.path}; rename one"
                )
        for collection in content.collections:
            first = collections.setdefault(collection.name, collection)
            if first is not collection:
                raise CardError(
                    f"collection {collection.name!r} stands in {first.path} and {collection.path}; rename one"
                )
    return Catalogue.of(found, collections, folders)


def _aliases(entries: Mapping[str, Entry]) -> dict[str, tuple[str, ...]]:
    """Aliases and what they stand for; each is no card's name and one card's alias."""
    found: dict[str, Entry] = {}
    for entry in entries.values():
        for alias in entry.aliases:
            other = entries.get(alias) or found.setdefault(alias, entry)
            if other is not entry:
                raise CardError(
                    f"{entry.path}: the alias {alias!r} is also a name of {other.path}; remove one"
                )
            if RESERVED_IN_ALIASES & set(alias):
                raise CardError(
                    f"{entry.path}: the alias {alias!r} holds one of "
                    f"{' '.join(sorted(RESERVED_IN_ALIASES))!r}; remove it"
                )
    return {alias: (entry.name,) for alias, entry in found.items()}
