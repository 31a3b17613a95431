"""The results folder: one JSON a model and task, the truth from which every table is made."""

from functools import lru_cache
from pathlib import Path

from vlbench.core.errors import DataError
from vlbench.core.files import file_name, write_atomically
from vlbench.core.result import Result


def result_path(result: Result) -> Path:
    """Where a result lies in its folder: `<task>/<model>.json`, `.partial.json` where it is partial."""
    ending = ".partial.json" if result.partial else ".json"
    return Path(file_name(result.task)) / f"{file_name(result.model)}{ending}"


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
        DataError: a file is damaged, of another schema, or lies where another result belongs.
    """
    paths = [path for path in folder.glob("*/*.json") if not path.name.startswith(".")]
    results = (_read(path, folder) for path in sorted(paths))
    return tuple(sorted(results, key=lambda result: (result.task, result.model, bool(result.partial))))


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


def _read(path: Path, folder: Path) -> Result:
    result = read_result(path)
    if path.relative_to(folder) != result_path(result):
        raise DataError(
            f"{path}: holds {result.model} on {result.task}, which belongs in "
            f"{folder / result_path(result)}; move or delete it"
        )
    return result
