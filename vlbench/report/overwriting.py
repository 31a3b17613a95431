"""What a results folder would lose: a result on other data under the same names."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vlbench.core.digest import digest_of
from vlbench.core.errors import DataError
from vlbench.core.files import file_name
from vlbench.core.result import Result
from vlbench.report.comparable import Question
from vlbench.report.results import read_result

_ADVICE = "write to another folder with --results, or give other data a card of their own"
_DATA = "data"
"""The part of a protocol's statement that says which data it is about, where no card counts them."""


def refuse_other_data(
    folder: Path, *, model: str, question: Question, statement: Mapping[str, object]
) -> None:
    """Refuse to replace a model's result in a folder by one of the same card on other data.

    `statement` is the new one's protocol. A result of another protocol is
    replaced: its card was edited.

    Raises:
        DataError: the result that is there was measured on other data; the file is named.
    """
    path = folder / file_name(question.task) / f"{file_name(model)}.json"
    if not path.is_file():
        return
    try:
        there = read_result(path)
    except DataError:
        return  # a damaged result is what a run mends
    names = _other_data(there, question, statement)
    if names:
        raise DataError(
            f"{path} was measured on other data: its {' and '.join(names)} differ from those of "
            f"{question.source}; delete it to replace it, {_ADVICE}"
        )


def refuse_other_folder(folder: Path, question: Question) -> None:
    """Refuse results on a folder under the name of another that lies here too, whatever their models.

    Names and sizes of their files and their labels may all be equal, and their images not.

    Raises:
        DataError: a result that is there was measured on such a folder; its file is named.
    """
    if not _place(question.source).is_absolute():
        return
    for path in sorted((folder / file_name(question.task)).glob("*.json")):
        try:
            there = read_result(path)
        except DataError:
            continue
        # whatever the images hold: one name stands for one folder
        asked = replace(question, contents="")
        if not Question.of(there).differs_from(asked) and _is_other_folder(there.source, question.source):
            raise DataError(
                f"{path} was measured on {there.source}, not on {question.source}, which has the same name; "
                f"rename a folder, delete the result, {_ADVICE}"
            )


def _other_data(there: Result, question: Question, statement: Mapping[str, object]) -> tuple[str, ...]:
    """What differs in the data of two answers under one card; empty where the card differs too."""
    if _without_data(there.protocol_statement) != _without_data(statement):
        return ()
    names = Question.of(there).differs_from(question)
    learned = ("validation images", "training images")
    data = ("image ids", "texts", *learned, "right answers", "image contents", "files")
    edited = "protocol" in names and there.protocol_statement.get(_DATA) == statement.get(_DATA)
    if edited and "image ids" not in names:
        return ()
    return tuple(name for name in names if name in data)


def _is_other_folder(there: str, source: str) -> bool:
    """Whether two sources are folders that both lie here."""
    old, new = _place(there), _place(source)
    both = old.is_absolute() and new.is_absolute() and old.exists() and new.exists()
    return both and not old.samefile(new)


def _place(source: str) -> Path:
    return Path(source.partition(":")[2])


def _without_data(statement: Mapping[str, object]) -> str:
    return digest_of({name: value for name, value in statement.items() if name != _DATA})
