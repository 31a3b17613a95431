"""The sources of a card tried in order, until one has the data; what was passed over, and why."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vlbench.cards.data_request import DataRequest
from vlbench.cards.entry import Entry
from vlbench.cards.options import check_options, option_names
from vlbench.cards.schema import SourceFields, TaskCard
from vlbench.core.contracts import Dataset
from vlbench.core.dataset import as_dataset
from vlbench.core.errors import DataError, SourceMissing
from vlbench.core.registry import SOURCES

PATH = "path"
_NAMED = 2
"""How many sources an error goes into."""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A source of a card that does not have the data, and where it looked."""

    fields: SourceFields
    missing: SourceMissing


@dataclass(frozen=True, slots=True)
class Search:
    """The first source of a card that has the data, as the card states it; None where none has."""

    source: Dataset | None
    fields: SourceFields | None
    passed_over: tuple[PassedOver, ...]


def find_source(entry: Entry, card: TaskCard, request: DataRequest) -> Dataset:
    """The first source of a card that has the data; of a user's own folder, the first that reads it.

    Raises:
        DataError: none has; a source's own complaint about damaged data.
    """
    search = search_sources(entry, card, request)
    if search.source is None:
        raise no_data(entry.name, search.passed_over)
    return search.source


def search_sources(entry: Entry, card: TaskCard, request: DataRequest) -> Search:
    """Try the sources of a card in order; those behind the first that has the data are not looked at.

    Raises:
        DataError: a source's own complaint about damaged data.
    """
    place = request.place(entry.path.parent)
    passed_over: list[PassedOver] = []
    for fields in stated_sources(entry, card, request.folder_of(entry.name, entry.aliases)):
        factory = SOURCES.get(fields.kind)
        try:
            source = as_dataset(factory(place, **check_options(factory, fields.options).values))
        except SourceMissing as error:
            passed_over.append(PassedOver(fields, error))
        else:
            return Search(source, fields, tuple(passed_over))
    return Search(None, None, tuple(passed_over))


def no_data(task: str, passed_over: Sequence[PassedOver]) -> DataError:
    """The error for a task whose data lie nowhere: the first places looked at, and what names the others."""
    named = passed_over[:_NAMED]
    looked = "; ".join(each.missing.looked for each in named)
    advice = ", or ".join(dict.fromkeys(each.missing.advice for each in named))
    others = len(passed_over) - len(named)
    more = f"; and in {others} more places, which `vlbench data check {task}` names" if others else ""
    return DataError(
        f"{task}: no data found: {looked}{more}; {advice}, or name the very folder: --data-root {task}=FOLDER"
    )


def stated_sources(entry: Entry, card: TaskCard, folder: Path | None) -> list[SourceFields]:
    """A card's sources; where the user names the folder, those that take a path, each once, on it.

    Raises:
        DataError: the user names a folder, and none of the card's sources takes one.
    """
    if folder is None:
        return list(card.sources)
    path = str(folder.expanduser().absolute())
    found: dict[str, SourceFields] = {}
    for source in card.sources:
        if PATH in option_names(SOURCES.get(source.kind)):
            moved = SourceFields.model_validate({**source.options, "kind": source.kind, PATH: path})
            found.setdefault(json.dumps(moved.model_dump(), sort_keys=True), moved)
    if not found:
        kinds = ", ".join(source.kind for source in card.sources)
        raise DataError(f"{entry.name}: its data come from {kinds}, not from a folder; leave out --data-root")
    return list(found.values())
