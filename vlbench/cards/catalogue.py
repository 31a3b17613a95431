"""The catalogue of all cards by name, and what other names mean: aliases, collections, wildcards."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

from vlbench.cards.cards_by_name import CardsByName
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
from vlbench.core.outside_name import plain_name
from vlbench.core.registry import ADAPTERS, TASK_KINDS

RESERVED_IN_ALIASES = RESERVED - {"/"}
COLLECTIONS = "collections"
"""The sub-folder of a folder of task cards with one YAML file per collection."""
HALVES: tuple[Half, Half] = ("base", "new")
ALL = "all"
"""The word of other tools for what `*` means here."""
MARK = "@"
"""The mark before the half of a task's classes: `dtd@base`."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All cards by name, sorted; `folders` are the folders that were searched."""

    models: Mapping[str, Entry] = field(default_factory=dict)
    tasks: Mapping[str, Entry] = field(default_factory=dict)
    collections: Mapping[str, Collection] = field(default_factory=dict)
    folders: Folders = field(default_factory=dict)

    def stands_for(self, kind: CardKind) -> dict[str, tuple[str, ...]]:
        """Aliases and collections with the cards that they mean. Reads all cards of the kind.

        Raises:
            CardError: a card is wrong, or a name means two things.
        """
        cards = self.models if kind == "model" else self.tasks
        meant = _aliases(cards.values(), cards)
        for collection in self.collections.values() if kind == "task" else ():
            if collection.name in meant:
                raise CardError(f"{collection.path}: a task is called {collection.name!r}; rename the file")
            meant[collection.name] = collection.tasks
        return meant

    def meant_by(self, name: str, kind: CardKind) -> tuple[str, ...]:
        """The cards that a name means if it is not a card's own; empty if it means none."""
        if kind == "task" and name in self.collections:
            return self.collections[name].tasks
        return self.stands_for(kind).get(name, ())

    def collections_of(self, task: str) -> tuple[str, ...]:
        """The names of the collections that contain a task."""
        return tuple(each.name for each in self.collections.values() if task in each.tasks)

    @property
    def task_folders(self) -> tuple[Path, ...]:
        """The folders that may have task cards and their data files."""
        return tuple(path for path, kind in self.folders.items() if kind != "model")


@dataclass(frozen=True, slots=True)
class Reference:
    """A name `SCHEME:REST`: an adapter and its reference, or a task kind and a folder."""

    scheme: str
    rest: str

    @classmethod
    def of(cls, name: str) -> "Reference | None":
        """The parts of a name; None if it has no colon.

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
    """Find all cards: built-in ones, those of installed plug-ins, and those in folders that a user includes.

    `folders` replaces all of these. Folders for one kind of card are read if the kind is in `kinds`. Cards
    that ship with vlbench are checked against their schema when they are used, all others now.

    Raises:
        CardError: two cards have one name, a name contains a reserved character, or a card that is not
            vlbench's is wrong.
        PluginError: a plug-in's cards are not where it states.
    """
    # a YAML reader: `vlbench run --help` needs none
    from vlbench.cards.entries import read_collection, read_entry

    folders = card_folders(include) if folders is None else folders
    found: dict[str, dict[str, Any]] = {"model": {}, "task": {}, "collection": {}}
    read: dict[Path, dict[str, object]] = {}
    checked: dict[str, list[str]] = {"model": [], "task": [], "collection": []}
    paths: dict[tuple[str, str], Path] = {}
    for folder, stated in folders.items():
        if stated is not None and stated not in kinds:
            continue
        check = not ships(folder)
        for path in sorted(folder.glob("*.yaml")):
            card: Any = partial(read_entry, path, stated, read, check=check)
            kind = stated
            if check or kind is None:
                card = card()
                kind = kind or ("model" if "adapter" in card.fields else "task")
            _note_path(paths, kind, path)
            found[kind][path.stem] = card
            if check:
                checked[kind].append(path.stem)
        for path in sorted((folder / COLLECTIONS).glob("*.yaml")):
            _note_path(paths, "collection", path)
            found["collection"][path.stem] = partial(read_collection, path, found["task"], check=check)
            if check:
                checked["collection"].append(path.stem)
    models, tasks, collections = (CardsByName(found[kind]) for kind in ("model", "task", "collection"))
    catalogue = Catalogue(models, tasks, collections, folders)
    for name in checked["collection"]:
        collections[name]
    for cards, names in ((models, checked["model"]), (tasks, checked["task"])):
        _aliases(map(cards.__getitem__, names), cards)
    return catalogue


def _aliases(entries: Iterable[Entry], cards: Mapping[str, Entry]) -> dict[str, tuple[str, ...]]:
    """The cards that the aliases of entries mean.

    Raises:
        CardError: an alias is the name of another card, or contains a reserved character.
    """
    meant: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        for alias in entry.aliases:
            other = cards.get(alias) or cards[meant.setdefault(alias, (entry.name,))[0]]
            if other is not entry:
                raise CardError(
                    f"{entry.path}: the alias {alias!r} is also a name of {other.path}; remove one"
                )
            if RESERVED_IN_ALIASES & set(alias):
                raise CardError(
                    f"{entry.path}: the alias {alias!r} contains one of "
                    f"{' '.join(sorted(RESERVED_IN_ALIASES))!r}; remove it"
                )
    return meant


def _note_path(paths: dict[tuple[str, str], Path], what: str, path: Path) -> None:
    """Note the path of a card; raise CardError if its name is reserved or taken."""
    if RESERVED & set(path.stem):
        raise CardError(
            f"{path}: a card's name may not contain any of {' '.join(sorted(RESERVED))!r}; rename it"
        )
    plain_name(path.stem, f"{path}: the card's name", CardError)
    first = paths.setdefault((what, path.stem), path)
    if first is not path:
        raise CardError(f"{what} {path.stem!r} has two cards, {first} and {path}; rename one")


def select(catalogue: Catalogue, patterns: Sequence[str], what: CardKind) -> dict[str, Entry | Reference]:
    """What patterns ask for, by name, in the order of the patterns, each once.

    A pattern is a name, an alias, a collection of tasks, a wildcard (`clip-b*`), a half of a task's classes
    (`dtd@base`, `dtd@new`), or `SCHEME:REST`, where SCHEME is an adapter (models) or a task kind (tasks). A
    wildcard matches only names.

    Raises:
        UnknownName: a name does not exist, or a wildcard has no match.
    """
    known = catalogue.models if what == "model" else catalogue.tasks
    chosen: dict[str, Entry | Reference] = {}
    for pattern in patterns:
        if pattern in known:
            chosen[pattern] = known[pattern]
        elif half := _half(pattern, catalogue, what):
            chosen[MARK.join(half)] = replace(known[half[0]], half=half[1])
        elif reference := Reference.of(pattern):
            _check_reference(reference, pattern, what)
            chosen[pattern] = reference
        elif names := (
            sorted(name for name in known if fnmatchcase(name, pattern))
            or catalogue.meant_by(pattern, what)
            or spelt_otherwise(pattern, catalogue, what)
        ):
            chosen |= {name: known[name] for name in names}
        else:
            halves = [f"{name}{MARK}{half}" for name in known for half in HALVES if MARK in pattern]
            folder = what == "task" and Path(pattern).expanduser().exists()
            raise UnknownName(
                what,
                pattern,
                () if folder else [*known, *catalogue.stands_for(what), *halves],
                advice=f"{_by_scheme(pattern, what)}`vlbench list {what}s` lists all; "
                f"add a card to {FOLDERS[what]}/ or to an --include-path",
            )
    return chosen


def spelt_otherwise(name: str, catalogue: Catalogue, what: CardKind) -> tuple[str, ...]:
    """The cards that a name means if capitals, dashes and underscores are ignored (`CIFAR-10`).

    Names of cards come before aliases and collections. Empty if nothing or more than one thing fits.
    """
    cards = catalogue.models if what == "model" else catalogue.tasks
    others = catalogue.stands_for(what)
    for known in ({each: (each,) for each in cards}, others):
        found = {meant for each, meant in known.items() if _bare(each) == _bare(name)}
        if found:
            return found.pop() if len(found) == 1 else ()
    return ()


def _bare(name: str) -> str:
    return name.casefold().replace("-", "").replace("_", "")


def _by_scheme(name: str, what: CardKind) -> str:
    """Advice for a name that is a folder, looks like a hub's model, or is the word for all; else empty."""
    if what == "task":
        schemes = sorted(TASK_KINDS.names()) if Path(name).expanduser().is_dir() else []
    else:
        # an adapter that takes a hub's name has `scheme:ORG/NAME` in its docstring's first line
        schemes = [
            scheme
            for scheme in (ADAPTERS.names() if "/" in name else ())
            if re.match(rf".*`{scheme}:[A-Z]+/[A-Z]+`", ADAPTERS.get(scheme).__doc__ or "")
        ]
    words = " or ".join(f"{scheme}:{name}" for scheme in schemes) or ("'*' for all" if name == ALL else "")
    return f"write {words}; " if words else ""


def find(catalogue: Catalogue, name: str, what: CardKind) -> Entry | Reference:
    """The card with a name, with the half that `X@base` or `X@new` means; or the parts of `SCHEME:REST`.

    Raises:
        UnknownName: the name does not exist, or means several cards.
    """
    found = select(catalogue, [name], what)
    (meant, *others) = found.values()
    if others or (isinstance(meant, Entry) and RESERVED_IN_ALIASES & set(name)):
        raise UnknownName(what, name, (), advice=f"one name is wanted here; it matches {', '.join(found)}")
    return meant


def half_name(name: str) -> tuple[str, Half] | None:
    """The task and the half in a name; None if it ends in neither `@base` nor `@new`.

    >>> half_name("dtd@base")
    ('dtd', 'base')
    """
    task, mark, end = name.rpartition(MARK)
    return next(((task, half) for half in HALVES if mark and task and end == half), None)


def _half(name: str, catalogue: Catalogue, what: CardKind) -> tuple[str, Half] | None:
    """The half of a task's classes that a name means, with the task's own name; else None."""
    part = half_name(name) if what == "task" else None
    if part is None or part[0] in catalogue.tasks:
        return part
    meant = () if part[0] in catalogue.collections else catalogue.meant_by(part[0], what)
    return (meant[0], part[1]) if meant else None


def _check_reference(reference: Reference, pattern: str, what: CardKind) -> None:
    schemes, kind = (ADAPTERS.names(), "adapter") if what == "model" else (TASK_KINDS.names(), "task kind")
    if reference.scheme not in schemes:
        raise UnknownName(
            kind, reference.scheme, schemes, advice=f"{pattern!r} begins with none of {', '.join(schemes)}"
        )
    if not reference.rest:
        raise UnknownName(what, pattern, (), advice=f"nothing follows the colon; write {pattern}SOMETHING")
