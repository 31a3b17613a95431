"""The results folder: one JSON per model and task. All tables are made from these files."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from operator import attrgetter
from pathlib import Path

from vlbench.core.digest import digest_of
from vlbench.core.errors import DataError
from vlbench.core.files import file_name, write_atomically
from vlbench.core.outside_name import no_text
from vlbench.core.regular_file import open_regular
from vlbench.core.result import Result
from vlbench.report.comparable import Question

PREDICTIONS = ".predictions.parquet"
"""The ending of the file that `vlbench run --save-predictions` writes next to a result."""
_ADVICE = "write to another folder with --results, or give other data a card of their own"
_DATA = "data"
"""The part of a protocol's statement that identifies the data, where no card does."""


def result_path(result: Result, ending: str = ".json") -> Path:
    """The path of a result in its folder: `<task>/<model>.json`, or `.partial.json` for a partial one."""
    partial = ".partial" if result.partial else ""
    return Path(file_name(result.task)) / f"{file_name(result.model)}{partial}{ending}"


@lru_cache
def source_text(source: str) -> str:
    """The source of a result's data for readers: of a folder on this machine only the last part.

    >>> tuple(map(source_text, ("folder:/home/me/photos/test", "torchvision:mnist:/data", "jsonl:mine")))
    ('folder:test', 'torchvision:mnist:data', 'jsonl:mine')
    """
    kind, mark, place = source.partition(":/")
    return f"{kind}:{Path(place).name}" if mark else source


def write_result(result: Result, folder: Path) -> Path:
    """Write a result atomically. An older one of the same model and task is replaced."""
    path = folder / result_path(result)
    write_atomically(path, result.to_json())
    return path


def read_results(folder: Path) -> tuple[Result, ...]:
    """All results of a folder, also partial ones, sorted by task and model, whole before partial.

    Raises:
        DataError: there is no such folder, or a file is damaged, has another schema, or is at the path of
            another result.
    """
    return in_order(read_placed(folder, each.path) for _, files in result_files(folder) for each in files)


def in_order(results: Iterable[Result]) -> tuple[Result, ...]:
    """Results sorted by task, model and whole before partial."""
    return tuple(sorted(results, key=attrgetter("task", "model", "partial")))  # whole ones tell no reason


def result_files(folder: Path) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
    """The folders of tasks by name with their result files, both sorted.

    Raises:
        DataError: there is no such folder, or one in it has a name that is no text.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such results folder; `vlbench run` makes one, --results names another")
    for of_task in files_in(folder, ""):
        if of_task.is_dir():
            if wrong := no_text(of_task.name):
                raise DataError(f"{folder}: {wrong}")
            yield of_task.name, [each for each in files_in(of_task.path, ".json") if each.name[0] != "."]


def files_in(folder: Path | str, ending: str) -> list[os.DirEntry[str]]:
    """What lies in a folder under names with an ending, by name."""
    with os.scandir(folder) as entries:
        return sorted((each for each in entries if each.name.endswith(ending)), key=attrgetter("name"))


def read_placed(folder: Path, path: str) -> Result:
    """The result in a file of a folder.

    Raises:
        DataError: the file is damaged, has another schema, or is at the path of another result.
    """
    result = read_result(Path(path))
    if Path(path) != folder / result_path(result):
        raise DataError(
            f"{path}: contains {result.model} on {result.task}, which belongs in "
            f"{folder / result_path(result)}; move or delete it"
        )
    return result


def read_result(path: Path) -> Result:
    """The result in a file.

    Raises:
        DataError: the file cannot be read, is damaged or of another schema; it is named.
    """
    try:
        with open_regular(path) as file:
            return Result.from_json(file.read())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); move or delete it") from error
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def kept_result(
    folder: Path, *, model: str, model_digest: str, question: Question, method_digest: str = ""
) -> Result | None:
    """A model's whole result on this question in a folder; None without one.

    `method_digest` is the digest of the method in the model's name; empty for none.

    Raises:
        DataError: the file is damaged.
    """
    path = folder / file_name(question.task) / f"{file_name(model)}.json"
    if not path.is_file():
        return None
    result = read_result(path)
    there = Question.of(result)
    by = result.digests.get("model"), result.digests.get("method", "")
    learned = (there.validation, there.training) == (question.validation, question.training)
    same = by == (model_digest, method_digest) and learned and not there.differs_from(question)
    return result if same else None


def refuse_other_data(
    folder: Path, *, model: str, question: Question, statement: Mapping[str, object]
) -> None:
    """Refuse to replace a model's result by one on other data under the same card.

    `statement` is the protocol of the new result. A result with another protocol may be replaced: its card
    was edited.

    Raises:
        DataError: the existing result was measured on other data; the message names its file.
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
    """Refuse results on a data folder if the results of its task, for any model, are on another folder of the
    same name.

    Names, sizes and labels of the two may all be equal while the images differ.

    Raises:
        DataError: an existing result was measured on such a folder; the message names its file.
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
    """What differs in the data of two results under the same card; empty if the card differs too."""
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
