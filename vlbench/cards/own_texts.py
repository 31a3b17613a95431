"""Texts from a user's files that replace those of a task: class names, templates and descriptions."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from vlbench.cards.data_request import DataRequest
from vlbench.cards.descriptions import described, read_descriptions, unasked
from vlbench.cards.folders import Entry
from vlbench.cards.schema import TaskCard
from vlbench.cards.texts import (
    by_line,
    card_names,
    find_descriptions,
    find_text_file,
    read_classnames,
    read_templates,
    with_labels,
)
from vlbench.core.contracts import Dataset, Place, Text
from vlbench.core.digest import sha256_of_file
from vlbench.core.errors import DataError
from vlbench.core.files import shown
from vlbench.core.protocol import SYNONYMS
from vlbench.core.task import TaskRequest

CLASSIFICATION = "classification"
"""The kind of task whose classes a user's names replace line by line."""
_DIGITS = 6
"""How many hexadecimal digits of a file's SHA-256 are in a task's name."""


def marked(asked: TaskRequest, request: DataRequest) -> TaskRequest:
    """Give a task's request its own name if the user's files replace its texts."""
    files = _files(request).items()
    marks = [f"{what}@{sha256_of_file(path)[:_DIGITS]}" for what, path in files if path is not None]
    return replace(asked, name="+".join([asked.name, *marks]))


def texts_in_place(
    names: tuple[Text, ...] | None,
    classes: Callable[[], Sequence[Text]],
    source: Dataset,
    request: DataRequest,
    *,
    descriptions: Path | None,
    task: str,
    kind: str,
) -> tuple[tuple[Text, ...] | None, tuple[str, ...]]:
    """A task's names, or the user's instead, with descriptions; and remarks about them.

    A plain list of class names takes the labels of the `classes` that it replaces. `descriptions` is the
    user's or the card's file; a remark names the user's descriptions that match no name.

    Raises:
        CardError: the file of names is wrong.
        DataError: the file of descriptions is wrong or leaves a name out, or the task has no names.
    """
    if request.classnames is not None:
        names = read_classnames(request.classnames)
    if descriptions is not None:
        listed = names or source.offers.names
        if not listed:
            raise DataError(f"{task}: has no tags or classes to describe; leave the descriptions out")
        names = described(listed, read_descriptions(descriptions), shown(descriptions))
    remarks: tuple[str, ...] = ()
    if request.classnames is not None and names is not None and kind == CLASSIFICATION:
        if not any(name.ids for name in names):
            names = with_labels(names, classes(), shown(request.classnames))
        remarks = by_line(names, request.classnames)
    return names, (*remarks, *unasked(names or source.offers.names, request.descriptions))


def without_repeats(entry: Entry, card: TaskCard, request: DataRequest) -> DataRequest:
    """Drop those of the user's files that equal the card's own texts, since the question is then the card's.

    Raises:
        CardError: one of the user's files is wrong.
    """
    place = request.place(entry.path.parent)
    kept: dict[str, Path | None] = {}
    for what, path in _files(request).items():
        try:
            repeats = path is not None and _repeats(what, path, card, place, entry.name)
        except DataError:  # the card's file does not lie here
            repeats = False
        kept[what] = None if repeats else path
    return replace(request, **kept)  # type: ignore[arg-type]


def _files(request: DataRequest) -> dict[str, Path | None]:
    """The user's files, by what they replace in a task."""
    return {
        "classnames": request.classnames,
        "templates": request.templates,
        "descriptions": request.descriptions,
    }


def _repeats(what: str, path: Path, card: TaskCard, place: Place, task: str) -> bool:
    if what == "templates":
        theirs = card.templates and read_templates(find_text_file(card.templates, place, task))
        return theirs is not None and read_templates(path) == theirs
    if what == "descriptions":
        said = card.descriptions and read_descriptions(find_descriptions(card.descriptions, place, task))
        return said is not None and read_descriptions(path) == said
    mine, names = read_classnames(path), card_names(card, place, task) or ()
    if mine == names:
        return True
    plain = [(text.name, text.ids.get(SYNONYMS, "")) for text in names]
    return not any(text.ids for text in mine) and [(text.name, "") for text in mine] == plain
