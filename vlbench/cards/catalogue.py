"""The catalogue of cards: names, files and what `list` prints of them, without reading each card."""

import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypedDict

from vlbench.cards.class_half import HALVES, MARK, Half, HalfName
from vlbench.cards.folders import FOLDERS, CardFolder, CardKind, card_folders
from vlbench.core.errors import CardError, UnknownName
from vlbench.core.registry import ADAPTERS, TASK_KINDS

INDEX = "index.json"
INDEX_SCHEMA = 1
RESERVED = frozenset(":,*?[]/\\ ")
Summary = Mapping[str, str | int | float | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """A card by name; `kind` is a task's kind or a model's adapter, `summary` what `list` prints.

    `half` says which of a task's classes were asked for (`X@base`); None is all of them.
    """

    name: str
    path: Path
    title: str
    kind: str
    summary: Summary = field(default_factory=dict)
    half: Half | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All cards by name, sorted; `folders` are where they were found."""

    models: Mapping[str, Entry]
    tasks: Mapping[str, Entry]
    folders: tuple[CardFolder, ...] = ()

    @property
    def task_folders(self) -> tuple[Path, ...]:
        """Folders that may hold task cards and their data files."""
        return tuple(folder.path for folder in self.folders if folder.kind != "model")


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


def read_catalogue(include: Sequence[Path] = ()) -> Catalogue:
    """All cards: built-in, of installed plug-ins, and under the folders that a user includes.

    Raises:
        CardError: two cards of one name, or a card outside the index that cannot be read.
        PluginError: a plug-in's cards are not where it says.
    """
    found: dict[CardKind, dict[str, Entry]] = {"model": {}, "task": {}}
    folders = card_folders(include)
    for folder in folders:
        for kind, entry in _entries(folder):
            other = found[kind].setdefault(entry.name, entry)
            if other is not entry:
                raise CardError(
                    f"{kind} {entry.name!r} has two cards, {other.path} and {entry.path}; rename one"
                )
    return Catalogue(
        models=dict(sorted(found["model"].items())),
        tasks=dict(sorted(found["task"].items())),
        folders=folders,
    )


def select(known_names: Iterable[str], patterns: Sequence[str], what: CardKind) -> tuple[str, ...]:
    """The names that patterns ask for, in the patterns' order, each once.

    A pattern is a name, a wildcard (`clip-b*`), a half of a task's classes (`dtd@base`, `dtd@new`), or
    `SCHEME:REST` where SCHEME is an adapter (models) or a task kind (tasks); the last passes through
    untouched. A wildcard matches no half.

    Raises:
        UnknownName: a name that nobody has, or a wildcard without a match.

    >>> select(["clip-b16", "clip-b32", "tiny-clip"], ["*b32", "clip-*"], "model")
    ('clip-b32', 'clip-b16')
    """
    known = sorted(known_names)
    chosen: dict[str, None] = {}
    for pattern in patterns:
        chosen.update(dict.fromkeys(_matches(pattern, known, what)))
    return tuple(chosen)


def find(entries: Mapping[str, Entry], name: str, what: CardKind) -> Entry | Reference:
    """The card of a name, with the half that `X@base` or `X@new` asks for, or the parts of `SCHEME:REST`.

    Raises:
        UnknownName: a name that nobody has.
    """
    if name in entries:
        return entries[name]
    chosen = select(entries, [name], what)
    part = _half(name, entries, what)
    if part is not None:
        return replace(entries[part.task], half=part.half)
    reference = Reference.of(name)
    if reference is None:
        raise UnknownName(what, name, (), advice=f"one name is wanted here; it matches {', '.join(chosen)}")
    return reference


def index_text(folder: Path, kind: CardKind) -> str:
    """The text of a folder's index: a generated file beside its cards."""
    cards = {
        entry.name: {
            "bytes": entry.path.stat().st_size,
            "title": entry.title,
            "kind": entry.kind,
            "summary": dict(entry.summary),
        }
        for _, entry in _read_entries(_card_files(folder), kind)
    }
    return json.dumps({"schema": INDEX_SCHEMA, "cards": cards}, indent=1, ensure_ascii=False) + "\n"


def _matches(pattern: str, known: Sequence[str], what: CardKind) -> list[str]:
    if pattern in known or _half(pattern, known, what) is not None:
        return [pattern]
    reference = Reference.of(pattern)
    if reference is not None:
        _check_reference(reference, pattern, what)
        return [pattern]
    matches = [name for name in known if fnmatchcase(name, pattern)]
    if not matches:
        advice = f"`vlbench list {what}s` lists all; add a card to {FOLDERS[what]}/ or to an --include-path"
        halves = [f"{name}{MARK}{half}" for name in known for half in HALVES] if MARK in pattern else []
        raise UnknownName(what, pattern, [*known, *halves], advice=advice)
    return matches


def _half(name: str, known: Container[str], what: CardKind) -> HalfName | None:
    """The half of a known task's classes that a name stands for; None where it stands for none."""
    part = HalfName.of(name) if what == "task" else None
    return part if part is not None and part.task in known else None


def _check_reference(reference: Reference, pattern: str, what: CardKind) -> None:
    schemes, kind = (ADAPTERS.names(), "adapter") if what == "model" else (TASK_KINDS.names(), "task kind")
    if reference.scheme not in schemes:
        raise UnknownName(
            kind, reference.scheme, schemes, advice=f"{pattern!r} begins with none of {', '.join(schemes)}"
        )
    if not reference.rest:
        raise UnknownName(what, pattern, (), advice=f"nothing follows the colon; write {pattern}SOMETHING")


def _entries(folder: CardFolder) -> Iterator[tuple[CardKind, Entry]]:
    files = _card_files(folder.path)
    indexed = _index(folder.path) if folder.kind is not None else {}
    unread = []
    for path in files:
        known = indexed.get(path.stem)
        # a card that was edited or added since is read itself; the size costs no reading
        if known is None or folder.kind is None or known["bytes"] != path.stat().st_size:
            unread.append(path)
            continue
        yield folder.kind, Entry(path.stem, path, known["title"], known["kind"], known["summary"])
    yield from _read_entries(unread, folder.kind)


def _read_entries(files: Sequence[Path], kind: CardKind | None) -> Iterator[tuple[CardKind, Entry]]:
    if not files:
        return
    from vlbench.cards.summary import read_entry  # pydantic and a YAML reader: only where no index answers

    for path in files:
        yield read_entry(path, kind)


class _Indexed(TypedDict):
    bytes: int
    title: str
    kind: str
    summary: dict[str, str | int | float | None]


def _index(folder: Path) -> dict[str, _Indexed]:
    """What the generated index says; nothing where there is none or it is of another layout."""
    path = folder / INDEX
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise CardError(f"{path}: {error}; delete it or write it anew with scripts/generate.py") from error
    if not isinstance(index, dict) or index.get("schema") != INDEX_SCHEMA:
        return {}
    cards: dict[str, _Indexed] = index["cards"]
    return cards


def _card_files(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.yaml"))
    for path in files:
        if RESERVED & set(path.stem):
            raise CardError(
                f"{path}: a card's name holds none of {' '.join(sorted(RESERVED))!r}; rename the file"
            )
    return files
