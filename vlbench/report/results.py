"""The results folder: one JSON a model and task, the truth from which every table is made."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from vlbench.core.digest import digest_of
from vlbench.core.errors import DataError
from vlbench.core.files import file_name, write_atomically
from vlbench.core.result import Result
from vlbench.report.comparable import Question

PREDICTIONS = ".predictions.parquet"
"""How the file beside a result ends that `vlbench run --save-predictions` writes."""
_ADVICE = "write to another folder with --results, or give other data a card of their own"
_DATA = "data"
"""The part of a protocol's statement that says which data it is about, where no card counts them."""


def result_path(result: Result, ending: str = ".json") -> Path:
    """Where a result lies in its folder: `<task>/<model>.json`, `.partial.json` where it is partial."""
    partial = ".partial" if result.partial else ""
    return Path(file_name(result.task)) / f"{file_name(result.model)}{partial}{ending}"


@lru_cache
def source_text(source: str) -> str:
    """The source of a result's data for others to read: of a folder on this machine its last part.

    >>> source_text("folder:/home/me/photos/test"), source_text("jsonl:mine")
    ('folder:test', 'jsonl:mine')
    """
    kind, mark, place = source.partition(":")
    path = Path(place)
    return f"{kind}{mark}{path.name}" if path.is_absolute() else source


def write_result(result: Result, folder: Path) -> Path:
    """Write a result whole or not at all; an older one of the same model and task is replaced."""
    path = folder / result_path(result)
    write_atomically(path, result.to_json())
    return path


def read_results(folder: Path) -> tuple[Result, ...]:
    """All results of a folder, partial ones too, sorted by task, model and whole before partial.

    Raises:
        DataError: there is no such folder, or a file is damaged, of another schema, or lies where another
            result belongs.
    """
    return in_order(read_placed(folder, each.path) for _, files in result_files(folder) for each in files)


def in_order(results: Iterable[Result]) -> tuple[Result, ...]:
    """Results sorted by task, model and whole before partial."""
    return tuple(sorted(results, key=lambda result: (result.task, result.model, bool(result.partial))))


def result_files(folder: Path) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
    """The folders of tasks by name with their result files, both sorted.

    Raises:
        DataError: there is no such folder.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such results folder; `vlbench run` makes one, --results names another")
    for of_task in files_in(folder, ""):
        if of_task.is_dir():
            yield of_task.name, [each for each in files_in(of_task.path, ".json") if each.name[0] != "."]


def files_in(folder: Path | str, ending: str) -> list[os.DirEntry[str]]:
    """What lies in a folder under names with an ending, by name."""
    with os.scandir(folder) as entries:
        return sorted((each for each in entries if each.name.endswith(ending)), key=lambda each: each.name)


def read_placed(folder: Path, path: str) -> Result:
    """The result in a file of a folder.

    Raises:
        DataError: the file is damaged, of another schema, or lies where another result belongs.
    """
    result = read_result(Path(path))
    if Path(path) != folder / result_path(result):
        raise DataError(
            f"{path}: holds {result.model} on {result.task}, which belongs in "
            f"{folder / result_path(result)}; move or delete it"
        )
    return result


def read_result(path: Path) -> Result:
    """The result in a file.

    Raises:
        DataError: the file is damaged or of another schema; it is named.
    """
    try:
        return Result.from_json(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: not a vlbench result: not UTF-8; delete it or run the model again"
        ) from error
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def has_result(
    folder: Path, *, model: str, model_digest: str, question: Question, method_digest: str = ""
) -> bool:
    """Whether a folder has a model's whole result that may stand beside any other answer to a question.

    `method_digest` is that of the method in the model's name, empty for none.

    Raises:
        DataError: the file is damaged.
    """
    path = folder / file_name(question.task) / f"{file_name(model)}.json"
    if not path.is_file():
        return False
    result = read_result(path)
    there = Question.of(result)
    by = result.digests.get("model"), result.digests.get("method", "")
    learned = (there.validation, there.training) == (question.validation, question.training)
    return by == (model_digest, method_digest) and learned and not there.differs_from(question)


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
    asked = Path(question.source.partition(":")[2])
    if not (asked.is_absolute() and asked.exists()):
        return
    for path in sorted((folder / file_name(question.task)).glob("*.json")):
        try:
            there = read_result(path)
        except DataError:
            continue
        measured = Path(there.source.partition(":")[2])
        if not (measured.is_absolute() and measured.exists()) or measured.samefile(asked):
            continue
        # whatever the images hold: one name stands for one folder
        if not Question.of(there).differs_from(replace(question, contents="")):
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


def _without_data(statement: Mapping[str, object]) -> str:
    return digest_of({name: value for name, value in statement.items() if name != _DATA})
