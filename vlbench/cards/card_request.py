"""A task card as a request to its kind: its texts, its expectations, the first source with the data."""

import json
from dataclasses import replace
from pathlib import Path

from vlbench.cards.catalogue import Entry
from vlbench.cards.data_request import DataRequest
from vlbench.cards.descriptions import asked_names, find_descriptions
from vlbench.cards.options import check_options, option_names
from vlbench.cards.schema import SourceFields, TaskCard
from vlbench.cards.texts import read_names, read_templates
from vlbench.core.contracts import Expectation, Source, TaskRequest
from vlbench.core.errors import DataError, SourceMissing
from vlbench.core.registry import SOURCES

PATH = "path"


def card_request(entry: Entry, card: TaskCard, request: DataRequest) -> TaskRequest:
    """What a card asks of its task kind.

    The split is part of the protocol: it enters the settings, which the protocol's digest covers.

    Raises:
        CardError: the file of names or templates is wrong.
        DataError: no source has the data, or descriptions are missing or wrong.
    """
    folder = entry.path.parent
    split = {"split": card.split} if card.split else {}
    source = find_source(entry, card, request)
    names = read_names(folder / card.names) if card.names is not None else None
    if request.descriptions is None and card.descriptions is not None:
        found = find_descriptions(card.descriptions, request.place(folder), entry.name)
        request = replace(request, descriptions=found)
    return TaskRequest(
        name=entry.name,
        protocol=card.protocol,
        source=source,
        names=asked_names(names, source, request, entry.name),
        templates=read_templates(folder / card.templates) if card.templates is not None else None,
        metrics=card.metrics,
        primary=card.primary,
        expect=Expectation(images=card.expect.images, texts=card.expect.texts),
        allow_subset=request.allow_subset,
        settings={**card.settings, **split},
    )


def find_source(entry: Entry, card: TaskCard, request: DataRequest) -> Source:
    """The first source of a card that has the data; of a user's own folder, the first that reads it.

    Raises:
        DataError: none has, with all places looked at; a source's own complaint about damaged data.
    """
    place = request.place(entry.path.parent)
    missing: list[SourceMissing] = []
    for source in _sources(entry, card, request.roots_by_task.get(entry.name)):
        factory = SOURCES.get(source.kind)
        try:
            return factory(place, **check_options(factory, source.options).values)
        except SourceMissing as error:
            missing.append(error)
    looked = "; ".join(error.looked for error in missing)
    advice = ", or ".join(dict.fromkeys(error.advice for error in missing))
    raise DataError(
        f"{entry.name}: no data found: {looked}; {advice}, "
        f"or name the very folder: --data-root {entry.name}=FOLDER"
    )


def _sources(entry: Entry, card: TaskCard, folder: Path | None) -> list[SourceFields]:
    """A card's sources; where the user names the folder, those that take a path, each once, on it."""
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
