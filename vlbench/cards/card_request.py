"""A task card as a request to its kind: its texts, its expectations, the source that has the data."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from vlbench.cards.data_request import DataRequest
from vlbench.cards.descriptions import asked_names, find_descriptions, read_descriptions, unasked
from vlbench.cards.entry import Entry
from vlbench.cards.own_data import CLASSIFICATION
from vlbench.cards.schema import TaskCard
from vlbench.cards.source_search import find_source
from vlbench.cards.texts import (
    by_line,
    find_text_file,
    read_classnames,
    read_names,
    read_templates,
    with_ids,
    with_labels,
)
from vlbench.cards.yaml_file import shown
from vlbench.core.contracts import Dataset, Text
from vlbench.core.errors import DataError
from vlbench.core.names_found import compare_names
from vlbench.core.protocol import SYNONYMS
from vlbench.core.task import Expectation, TaskRequest


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
    names = _names(entry, card, request)
    asked = request
    if request.descriptions is None and card.descriptions is not None:
        found = find_descriptions(card.descriptions, request.place(folder), entry.name)
        request = replace(request, descriptions=found)
    kept = _kept(asked_names(names, source, request, entry.name), entry, card, request)
    return TaskRequest(
        name=entry.name,
        protocol=card.protocol,
        source=source,
        names=kept,
        templates=_templates(entry, card, request),
        metrics=card.metrics,
        primary=card.primary,
        expect=Expectation(images=card.expect.images, texts=card.expect.texts),
        allow_subset=request.allow_subset,
        settings={**card.settings, **split},
        remarks=_remarks(kept or source.offers.names, source, asked),
    )


def without_repeats(entry: Entry, card: TaskCard, request: DataRequest) -> DataRequest:
    """A request without those of the user's files that say what the card says: the question is the card's.

    Raises:
        CardError: one of the user's files is wrong.
    """
    plain = replace(request, classnames=None, templates=None, descriptions=None)

    def other(
        path: Path | None, repeats: Callable[[Path, Entry, TaskCard, DataRequest], bool]
    ) -> Path | None:
        try:
            return None if path is not None and repeats(path, entry, card, plain) else path
        except DataError:
            return path  # the card's file does not lie here

    return replace(
        request,
        classnames=other(request.classnames, _repeats_names),
        templates=other(request.templates, _repeats_templates),
        descriptions=other(request.descriptions, _repeats_descriptions),
    )


def _repeats_names(path: Path, entry: Entry, card: TaskCard, plain: DataRequest) -> bool:
    mine, theirs = read_classnames(path), _card_names(entry, card, plain) or ()
    words = [(text.name, text.ids.get(SYNONYMS, "")) for text in theirs]
    return mine == theirs or (not any(text.ids for text in mine) and [(t.name, "") for t in mine] == words)


def _repeats_templates(path: Path, entry: Entry, card: TaskCard, plain: DataRequest) -> bool:
    return read_templates(path) == _templates(entry, card, plain)


def _repeats_descriptions(path: Path, entry: Entry, card: TaskCard, plain: DataRequest) -> bool:
    if card.descriptions is None:
        return False
    theirs = find_descriptions(card.descriptions, plain.place(entry.path.parent), entry.name)
    return read_descriptions(path) == read_descriptions(theirs)


def _remarks(names: Sequence[Text], source: Dataset, request: DataRequest) -> tuple[str, ...]:
    """How a user's names stand for the classes; else how the names beside the images contradict a card's.

    And what of a user's descriptions is of none of them.
    """
    left = unasked(names, request.descriptions)
    if request.classnames is not None:
        return (*by_line(names, request.classnames), *left)
    return (*compare_names(source, names).differs, *left) if names and len(source) else left


def _names(entry: Entry, card: TaskCard, request: DataRequest) -> tuple[Text, ...] | None:
    """The card's names with their ids; None where it has none, or the user's take their place."""
    return None if request.classnames is not None else _card_names(entry, card, request)


def _kept(
    names: tuple[Text, ...] | None, entry: Entry, card: TaskCard, request: DataRequest
) -> tuple[Text, ...] | None:
    """Names, those of a user's plain list under the labels of the classes of the card that they stand for."""
    if names is None or request.classnames is None or card.kind != CLASSIFICATION:
        return names
    if any(name.ids for name in names):
        return names
    return with_labels(names, _card_names(entry, card, request) or (), shown(request.classnames))


def _card_names(entry: Entry, card: TaskCard, request: DataRequest) -> tuple[Text, ...] | None:
    if card.names is None:
        return None
    folder = entry.path.parent
    names = read_names(find_text_file(card.names, request.place(folder), entry.name))
    return names if card.ids is None else with_ids(names, folder / card.ids, entry.name)


def _templates(entry: Entry, card: TaskCard, request: DataRequest) -> tuple[str, ...] | None:
    """The user's templates, else the card's; None takes what the source offers."""
    if request.templates is not None:
        return read_templates(request.templates)
    if card.templates is None:
        return None
    return read_templates(find_text_file(card.templates, request.place(entry.path.parent), entry.name))
