"""The catalogue of all cards by name, and what a user's names for them mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from vlbench.cards.folders import (
    FOLDERS,
    RESERVED,
    CardKind,
    Collection,
    Entry,
    Folders,
    Half,
    card_folders,
    ships,
)
from vlbench.core.errors import CardError, UnknownName
from vlbench.core.registry import ADAPTERS, TASK_KINDS

RESERVED_IN_ALIASES = RESERVED - {"/"}
COLLECTIONS = "collections"
"""The folder below a folder of task cards, a YAML file a collection."""
HALVES: tuple[Half, Half] = ("base", "new")
MARK = "@"
"""What the half of a task's classes stands behind: `dtd@base`."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All cards by name, sorted; `folders` are where they were found.

    `stands_for` holds, by kind, what other names mean: an alias one card, a collection its tasks.
    """

    models: Mapping[str, Entry] = field(default_factory=dict)
    tasks: Mapping[str, Entry] = field(default_factory=dict)
    collections: Mapping[str, Collection] = field(default_factory=dict)
    folders: Folders = field(default_factory=dict)
    stands_for: Mapping[CardKind, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        entries: Mapping[str, Mapping[str, Entry]],
        collections: Mapping[str, Collection],
        folders: Folders | None = None,
    ) -> "Catalogue":
        """A catalogue whose names are unambiguous.

        Raises:
            CardError: two things share a name, or a collection names a task that is not there.
        """
        models, tasks = (dict(sorted(entries.get(kind, {}).items())) for kind in ("model", "task"))
        stands_for: dict[CardKind, dict[str, tuple[str, ...]]] = {"model": {}, "task": {}}
        for cards, meant in ((models, stands_for["model"]), (tasks, stands_for["task"])):
            for entry in cards.values():
                for alias in entry.aliases:
                    other = cards.get(alias) or cards[meant.setdefault(alias, (entry.name,))[0]]
                    if other is not entry:
                        raise CardError(
                            f"{entry.path}: the alias {alias!r} is also a name of {other.path}; remove one"
                        )
                    if RESERVED_IN_ALIASES & set(alias):
                        raise CardError(
                            f"{entry.path}: the alias {alias!r} holds one of "
                            f"{' '.join(sorted(RESERVED_IN_ALIASES))!r}; remove it"
                        )
        for collection in collections.values():
            if collection.name in tasks or collection.name in stands_for["task"]:
                raise CardError(f"{collection.path}: a task is called {collection.name!r}; rename the file")
            missing = [task for task in (*collection.tasks, *collection.metrics) if task not in tasks]
            if missing:
                raise CardError(
                    f"{collection.path}: no card for {', '.join(missing[:3])}; add it, or correct the name"
                )
            stands_for["task"][collection.name] = collection.tasks
        return cls(models, tasks, dict(sorted(collections.items())), folders or {}, stands_for)

    def collections_of(self, task: str) -> tuple[str, ...]:
        """Names of the collections that a task is in."""
        return tuple(each.name for each in self.collections.values() if task in each.tasks)

    @property
    def task_folders(self) -> tuple[Path, ...]:
        """Folders that may hold task cards and their data files."""
        return tuple(path for path, kind in self.folders.items() if kind != "model")


@dataclass(frozen=True, slots=True)
class Reference:
    """A name `SCHEME:REST`: an adapter and what it is given, or a task kind and a folder."""

    scheme: str
    rest: str

    @classmethod
    def of(cls, name: str) -> "Reference | None":
        """The parts of a name; None where it has no colon.

        >>> Reference.of("open_clip:ViT-B-32/openai")
        Reference(scheme='open_clip', rest='ViT-B-32/openai')
        """
        scheme, mark, rest = name.partition(":")
        return cls(scheme, rest) if mark else None


def read_catalogue(
    include: Sequence[Path] = (),
    *,
    folders: Folders | None = None,
    kinds: Sequence[CardKind] = ("model", "task"),
) -> Catalogue:
    """All cards: built-in, of installed plug-ins, and under the folders that a user includes.

    `folders` are read in place of all these. Of folders for one kind of card those of `kinds` are read.
    Cards that ship with vlbench are held against their schema where they are used, all others here.

    Raises:
        CardError: two cards of one name, one whose name holds a reserved character, or one that is wrong.
        PluginError: a plug-in's cards are not where it says.
    """
    # a YAML reader: `vlbench run --help` needs none
    from vlbench.cards.entries import read_collections, read_entries

    folders = card_folders(include) if folders is None else folders
    found: dict[str, dict[str, Any]] = {"model": {}, "task": {}, "collection": {}}
    for folder, stated in folders.items():
        if stated is not None and stated not in kinds:
            continue
        check = not ships(folder)
        read: list[tuple[str, Entry | Collection]] = [*read_entries(folder, stated, check=check)]
        read += [("collection", each) for each in read_collections(folder / COLLECTIONS, check=check)]
        for what, each in read:
            if RESERVED & set(each.name):
                raise CardError(
                    f"{each.path}: a card's name holds none of {' '.join(sorted(RESERVED))!r}; rename it"
                )
            first = found[what].setdefault(each.name, each)
            if first is not each:
                raise CardError(
                    f"{what} {each.name!r} has two cards, {first.path} and {each.path}; rename one"
                )
    return Catalogue.of(found, found["collection"], folders)


def select(catalogue: Catalogue, patterns: Sequence[str], what: CardKind) -> dict[str, Entry | Reference]:
    """What patterns ask for by name, in the patterns' order, each once.

    A pattern is a name, an alias, a collection of tasks, a wildcard (`clip-b*`), a half of a task's
    classes (`dtd@base`, `dtd@new`), or `SCHEME:REST` where SCHEME is an adapter (models) or a task kind
    (tasks), which names itself. A wildcard matches names alone.

    Raises:
        UnknownName: a name that nobody has, or a wildcard without a match.
    """
    known = catalogue.models if what == "model" else catalogue.tasks
    others = catalogue.stands_for.get(what, {})
    chosen: dict[str, Entry | Reference] = {}
    for pattern in patterns:
        if pattern in known:
            chosen[pattern] = known[pattern]
        elif half := _half(pattern, catalogue, what):
            chosen[MARK.join(half)] = replace(known[half[0]], half=half[1])
        elif pattern in others:
            chosen |= {name: known[name] for name in others[pattern]}
        elif reference := Reference.of(pattern):
            _check_reference(reference, pattern, what)
            chosen[pattern] = reference
        else:
            matches = sorted(name for name in known if fnmatchcase(name, pattern))
            if not matches:
                halves = [f"{name}{MARK}{half}" for name in known for half in HALVES if MARK in pattern]
                raise UnknownName(
                    what,
                    pattern,
                    [*known, *others, *halves],
                    advice=f"`vlbench list {what}s` lists all; "
                    f"add a card to {FOLDERS[what]}/ or to an --include-path",
                )
            chosen |= {name: known[name] for name in matches}
    return chosen


def find(catalogue: Catalogue, name: str, what: CardKind) -> Entry | Reference:
    """The card of a name, with the half that `X@base` or `X@new` asks for, or the parts of `SCHEME:REST`.

    Raises:
        UnknownName: a name that nobody has, or one that several have.
    """
    found = select(catalogue, [name], what)
    (meant, *others) = found.values()
    if others or (isinstance(meant, Entry) and RESERVED_IN_ALIASES & set(name)):
        raise UnknownName(what, name, (), advice=f"one name is wanted here; it matches {', '.join(found)}")
    return meant


def half_name(name: str) -> tuple[str, Half] | None:
    """The task and the half of a name; None where it ends in neither `@base` nor `@new`.

    >>> half_name("dtd@base")
    ('dtd', 'base')
    """
    task, mark, end = name.rpartition(MARK)
    return next(((task, half) for half in HALVES if mark and task and end == half), None)


def _half(name: str, catalogue: Catalogue, what: CardKind) -> tuple[str, Half] | None:
    """The half of a task's classes that a name stands for, the task under its own name; else None."""
    part = half_name(name) if what == "task" else None
    if part is None or part[0] in catalogue.tasks:
        return part
    meant = catalogue.stands_for.get(what, {}).get(part[0], ())
    if part[0] in catalogue.collections or len(meant) != 1:
        return None
    return meant[0], part[1]


def _check_reference(reference: Reference, pattern: str, what: CardKind) -> None:
    schemes, kind = (ADAPTERS.names(), "adapter") if what == "model" else (TASK_KINDS.names(), "task kind")
    if reference.scheme not in schemes:
        raise UnknownName(
            kind, reference.scheme, schemes, advice=f"{pattern!r} begins with none of {', '.join(schemes)}"
        )
    if not reference.rest:
        raise UnknownName(what, pattern, (), advice=f"nothing follows the colon; write {pattern}SOMETHING")
