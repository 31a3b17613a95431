"""The images that a command line names: files, folders with all files below them, and wildcards."""

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from vlbench.core.contracts import Dataset, Target
from vlbench.core.errors import DataError
from vlbench.core.files import state_of
from vlbench.datasets.readers.file_listing import FoundFile, list_files
from vlbench.datasets.readers.image_file import IMAGE_SUFFIXES, file_examples


def find_images(asked: Sequence[str]) -> Dataset:
    """Find images in the order asked for, each once. The id is the path as a user would write it.

    A folder means every image file below it, sorted. A wildcard (`**` spans folders) means the image files
    and folders that it matches. A named file is used whatever its suffix.

    Raises:
        DataError: a path does not exist, or a folder or wildcard has no image.
    """
    found: dict[str, FoundFile] = {}
    for file in _all(asked):
        found.setdefault(os.path.realpath(file.path), file)
    files = tuple(found.values())
    return Dataset("images", "", file_examples(files, (Target(),) * len(files)))


def _all(asked: Iterable[str]) -> Iterator[FoundFile]:
    for each in asked:
        path = Path(each).expanduser()
        if path.is_dir():
            yield from _some(_below(path), each, "holds no image")
        elif path.exists():
            yield _named(path)
        elif glob.has_magic(each):
            yield from _some(_matching(str(path)), each, "matches no image")
        else:
            raise DataError(f"{each}: no such file or folder; correct the path")


def _matching(pattern: str) -> Iterator[FoundFile]:
    for match in sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207 - a pattern may be absolute
        path = Path(match)
        if path.is_dir():
            yield from _below(path)
        elif path.suffix.lower() in IMAGE_SUFFIXES:
            yield _named(path)


def _below(folder: Path) -> Iterator[FoundFile]:
    for file in list_files(folder.resolve()):
        if file.suffix in IMAGE_SUFFIXES:
            yield _found(folder / file.name, file.size, file.state)


def _some(files: Iterator[FoundFile], asked: str, otherwise: str) -> Iterator[FoundFile]:
    first = next(files, None)
    if first is None:
        raise DataError(f"{asked}: {otherwise}; known suffixes: {' '.join(sorted(IMAGE_SUFFIXES))}")
    yield first
    yield from files


def _named(path: Path) -> FoundFile:
    status = path.stat()
    return _found(path, status.st_size, state_of(str(path), status))


def _found(path: Path, size: int, state: str) -> FoundFile:
    """A file with its path as written for a name, in UTF-8 whatever bytes it has; workers open it as well."""
    return FoundFile(os.fsencode(path).decode("utf-8", "replace"), str(path.absolute()), size, state)
