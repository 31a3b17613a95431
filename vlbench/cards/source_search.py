"""The sources of a card tried in order, until one has the data; what was passed over, and why."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from vlbench.cards.card_file import ReadCard
from vlbench.cards.data_request import DataRequest
from vlbench.cards.folders import Entry
from vlbench.cards.schema import Location, SourceFields, TaskCard, check_options, option_names
from vlbench.core.contracts import Dataset, Place
from vlbench.core.dataset import as_dataset
from vlbench.core.errors import DataError, SourceMissing
from vlbench.core.method import SplitName
from vlbench.core.registry import SOURCES

PATH = "path"
_NAMED = 2
"""How many sources an error goes into."""


@dataclass(frozen=True, slots=True)
class Search:
    """The first source of a card that has the data, as the card states it; None where none has.

    `passed_over` are those before it, each with where it looked.
    """

    source: Dataset | None
    fields: SourceFields | None
    passed_over: tuple[tuple[SourceFields, SourceMissing], ...]


def search_sources(
    entry: Entry, read: ReadCard[TaskCard], request: DataRequest, split: SplitName | None = None
) -> Search:
    """Try the sources of a card, or of a split that it names, in order, up to the first that has the data.

    Raises:
        DataError: a source's own complaint about damaged data.
    """
    part = read.card if split is None else getattr(read.card, split)
    at: Location = ("sources",) if split is None else (split, "sources")
    stated = [(fields, read.plug_ins[(*at, position)]) for position, fields in enumerate(part.sources)]
    if request.roots_by_task and (folder := request.folder_of(entry.name, entry.aliases)) is not None:
        stated = on_folder(folder, part.sources, entry.name)
    place = request.place(entry.path.parent)
    passed_over: list[tuple[SourceFields, SourceMissing]] = []
    for fields, factory in stated:
        try:
            source = as_dataset(factory(place))
        except SourceMissing as error:
            passed_over.append((fields, error))
        else:
            return Search(source, fields, tuple(passed_over))
    return Search(None, None, tuple(passed_over))


def no_data(task: str, passed_over: Sequence[tuple[SourceFields, SourceMissing]]) -> DataError:
    """The error for a task whose data lie nowhere: the first places looked at, and what names the others."""
    named = passed_over[:_NAMED]
    looked = "; ".join(missing.looked for _, missing in named)
    advice = ", or ".join(dict.fromkeys(missing.advice for _, missing in named))
    others = len(passed_over) - len(named)
    more = f"; and in {others} more places, which `vlbench data check {task}` names" if others else ""
    return DataError(
        f"{task}: no data found: {looked}{more}; {advice}, or name the very folder: --data-root {task}=FOLDER"
    )


def on_folder(
    folder: Path, sources: Sequence[SourceFields], task: str
) -> list[tuple[SourceFields, Callable[[Place], Any]]]:
    """The sources that take a path, each once, on the folder that a user names.

    Raises:
        DataError: none takes a path.
    """
    path = str(folder.expanduser().absolute())
    found: dict[str, tuple[SourceFields, Callable[[Place], Any]]] = {}
    for source in sources:
        factory = SOURCES.get(source.kind)
        if PATH in option_names(factory):
            moved = SourceFields.model_validate({**source.options, "kind": source.kind, PATH: path})
            options, _ = check_options(factory, moved.options)
            same = json.dumps(moved.model_dump(), sort_keys=True)
            found.setdefault(same, (moved, partial(factory, **options)))
    if not found:
        kinds = ", ".join(source.kind for source in sources)
        raise DataError(f"{task}: its data come from {kinds}, not from a folder; leave out --data-root")
    return list(found.values())
