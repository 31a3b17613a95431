"""A folder of cards: read through its generated index, and card by card where that does not answer."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from vlbench.cards.catalogue import RESERVED, Collection, Entry
from vlbench.cards.folders import CardFolder, CardKind
from vlbench.core.errors import CardError

INDEX = "index.json"
INDEX_SCHEMA = 4
COLLECTIONS = "collections"
"""The folder below a folder of task cards, a YAML file a collection."""


@dataclass(frozen=True, slots=True)
class FolderContent:
    """Cards and collections of a folder."""

    entries: tuple[tuple[CardKind, Entry], ...]
    collections: tuple[Collection, ...]


class _Card(TypedDict):
    bytes: int
    title: str
    kind: str
    summary: dict[str, str | int | float | None]
    aliases: list[str]
    places: list[str]


class _Collection(TypedDict):
    bytes: int
    title: str
    tasks: list[str]
    metrics: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class _Index:
    cards: Mapping[str, _Card]
    collections: Mapping[str, _Collection]


def read_folder(folder: CardFolder) -> FolderContent:
    """What a folder holds.

    Raises:
        CardError: the index is damaged, a card that it does not know cannot be read, or a file's name
            holds a reserved character.
    """
    index = _index(folder.path) if folder.kind is not None else _Index({}, {})
    return FolderContent(tuple(_entries(folder, index)), tuple(_collections(folder.path, index)))


def index_text(folder: Path, kind: CardKind) -> str:
    """The text of a folder's index: a generated file beside its cards."""
    cards = {
        entry.name: {
            "bytes": entry.path.stat().st_size,
            "title": entry.title,
            "kind": entry.kind,
            "summary": dict(entry.summary),
            "aliases": list(entry.aliases),
            "places": list(entry.places),
        }
        for _, entry in _read_entries(_yaml_files(folder), kind)
    }
    collections = {
        each.name: {
            "bytes": each.path.stat().st_size,
            "title": each.title,
            "tasks": list(each.tasks),
            "metrics": {task: list(metrics) for task, metrics in each.metrics.items()},
        }
        for each in _read_collections(_yaml_files(folder / COLLECTIONS))
    }
    content = {"schema": INDEX_SCHEMA, "cards": cards, "collections": collections}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _entries(folder: CardFolder, index: _Index) -> Iterator[tuple[CardKind, Entry]]:
    unread = []
    for path in _yaml_files(folder.path):
        known = index.cards.get(path.stem)
        # a card that was edited or added since is read itself; the size costs no reading
        if known is None or folder.kind is None or known["bytes"] != path.stat().st_size:
            unread.append(path)
            continue
        yield (
            folder.kind,
            Entry(
                path.stem,
                path,
                known["title"],
                known["kind"],
                known["summary"],
                aliases=tuple(known["aliases"]),
                places=tuple(known["places"]),
            ),
        )
    yield from _read_entries(unread, folder.kind)


def _collections(folder: Path, index: _Index) -> Iterator[Collection]:
    unread = []
    for path in _yaml_files(folder / COLLECTIONS):
        known = index.collections.get(path.stem)
        if known is None or known["bytes"] != path.stat().st_size:
            unread.append(path)
            continue
        metrics = {task: tuple(names) for task, names in known["metrics"].items()}
        yield Collection(path.stem, path, known["title"], tuple(known["tasks"]), metrics)
    yield from _read_collections(unread)


def _read_entries(files: Sequence[Path], kind: CardKind | None) -> Iterator[tuple[CardKind, Entry]]:
    if not files:
        return
    from vlbench.cards.summary import read_entry  # pydantic and a YAML reader: only where no index answers

    for path in files:
        yield read_entry(path, kind)


def _read_collections(files: Sequence[Path]) -> Iterator[Collection]:
    if not files:
        return
    from vlbench.cards.card_file import read_collection_card  # as above

    for path in files:
        card = read_collection_card(path)
        metrics = {
            task: (named,) if isinstance(named, str) else named for task, named in card.metrics.items()
        }
        yield Collection(path.stem, path, card.title, card.tasks, metrics)


def _index(folder: Path) -> _Index:
    """What the generated index says; nothing where there is none or it is of another layout."""
    path = folder / INDEX
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return _Index({}, {})
    except ValueError as error:
        raise CardError(f"{path}: {error}; delete it or write it anew with scripts/generate.py") from error
    if not isinstance(content, dict) or content.get("schema") != INDEX_SCHEMA:
        return _Index({}, {})
    return _Index(content["cards"], content["collections"])


def _yaml_files(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.yaml"))
    for path in files:
        if RESERVED & set(path.stem):
            raise CardError(
                f"{path}: a card's name holds none of {' '.join(sorted(RESERVED))!r}; rename the file"
            )
    return files
