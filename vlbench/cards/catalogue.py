"""The catalogue of cards: names, files and what `list` prints of them, without reading each card."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vlbench.cards.entry import Collection, Entry
from vlbench.cards.folders import CardFolder, CardKind, card_folders
from vlbench.core.errors import CardError

RESERVED = frozenset(":,*?[]/\\ ")
"""Characters that a card's name holds none of."""

RESERVED_IN_ALIASES = RESERVED - {"/"}
COLLECTIONS = "collections"
"""The folder below a folder of task cards, a YAML file a collection."""
INDEX = "index.json"
"""A generated file beside the cards: what `index_text` of vlbench/cards/index.py says of them."""
INDEX_SCHEMA = 4


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


def read_catalogue(
    include: Sequence[Path] = (), *, folders: tuple[CardFolder, ...] | None = None
) -> Catalogue:
    """All cards: built-in, of installed plug-ins, and under the folders that a user includes.

    `folders` are read in place of all these.

    Raises:
        CardError: two cards of one name, one whose name holds a reserved character, a damaged index, or a
            card outside the index that cannot be read.
        PluginError: a plug-in's cards are not where it says.
    """
    folders = card_folders(include) if folders is None else folders
    entries: dict[CardKind, dict[str, Entry]] = {"model": {}, "task": {}}
    collections: dict[str, Collection] = {}
    for folder in folders:
        index = _index(folder)
        for path, indexed in _files(folder.path, index, "cards"):
            if indexed is not None and folder.kind is not None:
                kind, entry = folder.kind, Entry(path.stem, path, **indexed)
            else:
                from vlbench.cards.summary import read_entry  # a YAML reader: where no index answers

                kind, entry = read_entry(path, folder.kind)
            other = entries[kind].setdefault(entry.name, entry)
            if other is not entry:
                raise CardError(
                    f"{kind} {entry.name!r} has two cards, {other.path} and {entry.path}; rename one"
                )
        for path, indexed in _files(folder.path / COLLECTIONS, index, COLLECTIONS):
            if indexed is not None:
                collection = Collection(path.stem, path, **indexed)
            else:
                from vlbench.cards.summary import read_collection

                collection = read_collection(path)
            first = collections.setdefault(collection.name, collection)
            if first is not collection:
                raise CardError(
                    f"collection {collection.name!r} stands in {first.path} and {collection.path}; rename one"
                )
    return Catalogue.of(entries, collections, folders)


def _index(folder: CardFolder) -> Mapping[str, Any]:
    """What the generated index says; nothing where there is none or it is of another layout."""
    path = folder.path / INDEX
    if folder.kind is None or not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CardError(f"{path}: {error}; delete it or write it anew with scripts/generate.py") from error
    return content if isinstance(content, dict) and content.get("schema") == INDEX_SCHEMA else {}


def _files(folder: Path, index: Mapping[str, Any], what: str) -> list[tuple[Path, dict[str, Any] | None]]:
    """The YAML files of a folder, each with what the index says of it.

    None for a file that was edited or added since, as its size tells, which costs no reading.
    """
    found: list[tuple[Path, dict[str, Any] | None]] = []
    for path in sorted(folder.glob("*.yaml")):
        if RESERVED & set(path.stem):
            raise CardError(
                f"{path}: a card's name holds none of {' '.join(sorted(RESERVED))!r}; rename the file"
            )
        known = index.get(what, {}).get(path.stem)
        if known is None or known["bytes"] != path.stat().st_size:
            found.append((path, None))
            continue
        fields: dict[str, Any] = {key: value for key, value in known.items() if key != "bytes"}
        for key in fields.keys() & {"aliases", "places", "tasks"}:
            fields[key] = tuple(fields[key])
        if "metrics" in fields:
            fields["metrics"] = {task: tuple(names) for task, names in fields["metrics"].items()}
        found.append((path, fields))
    return found


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
