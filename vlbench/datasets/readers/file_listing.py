"""Files of a folder with their sizes and times, from one scan, and the revision that follows from them."""

import os
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlbench.core.contracts import Place
from vlbench.core.digest import digest_of_strings, sha256_of_file
from vlbench.core.errors import DataError
from vlbench.core.files import state_of
from vlbench.core.outside_name import InnerPath, no_text
from vlbench.core.regular_file import odd_kind

JUNK = frozenset(
    (
        "__MACOSX",
        "@eaDir",
        "lost+found",
        "$RECYCLE.BIN",
        "#recycle",
        "System Volume Information",
        "__pycache__",
    )
)
"""Folders that archivers and operating systems leave behind; they are skipped like hidden ones."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file below a root: `name` is relative to it, with forward slashes; `path` has links resolved.

    `size` is in bytes; `state` is that of `vlbench.core.files.file_state`, without another disk access.
    """

    name: str
    path: str
    size: int
    state: str

    @property
    def suffix(self) -> str:
        """The suffix in lower case with its dot; empty without one."""
        return os.path.splitext(self.name)[1].lower()  # noqa: PTH122 - 50,000 times in a scan


def list_folders(root: Path) -> list[InnerPath]:
    """The names of the folders in a folder, sorted, without hidden ones.

    Raises:
        DataError: the folder cannot be read.
    """
    return sorted(InnerPath(entry.name) for entry in _scan(root) if entry.is_dir())


def passed_over(root: Path) -> list[str]:
    """The names of the folders in a folder that no listing shows: hidden ones, and those of archivers.

    Raises:
        DataError: the folder cannot be read.
    """
    seen = {entry.name for entry in _scan(root)}
    return sorted(
        entry.name for entry in _scan(root, hidden=True) if entry.name not in seen and entry.is_dir()
    )


def list_names(root: Path) -> list[InnerPath]:
    """The names of the files directly in a folder, sorted, without hidden ones.

    Raises:
        DataError: the folder cannot be read.
    """
    return sorted(InnerPath(entry.name) for entry in _scan(root) if entry.is_file())


def list_files(root: Path) -> list[FoundFile]:
    """All files below a folder, sorted folder by folder, without hidden ones (a leading dot).

    Links are followed. Links in the path of `root` are resolved.

    Raises:
        DataError: a folder cannot be read, links lead in a circle, a link leads nowhere, or no
            file lies there, but a pipe or a device.
    """
    found = [_file(entry, name=name, folder=above) for name, entry, above in _walk(root, "", (str(root),))]
    found.sort(key=lambda file: file.name.split("/"))
    return found


def names_below(root: Path) -> list[str]:
    """The names of all files that `list_files` finds, without reading their sizes.

    Raises:
        DataError: as `list_files`.
    """
    return sorted(name for name, _, _ in _walk(root, "", (str(root),)))


def find_files(root: Path, names: Iterable[InnerPath]) -> dict[InnerPath, FoundFile]:
    """The files of some names relative to a root; one that is not there is left out of the answer.

    Each folder is scanned once, and only the sizes of the named files are read.

    Raises:
        DataError: a folder cannot be read.
    """
    wanted: dict[str, dict[str, InnerPath]] = {}
    for name in names:
        parent, base = posixpath.split(name)
        wanted.setdefault(parent, {})[base] = name
    found: dict[InnerPath, FoundFile] = {}
    for parent, by_name in wanted.items():
        folder = (root / parent).resolve()
        if not folder.is_dir():
            continue
        for entry in _scan(folder, hidden=True):
            wanted_as = by_name.get(entry.name)
            if wanted_as is not None and entry.is_file():
                found[wanted_as] = _file(entry, name=wanted_as, folder=str(folder))
    return found


def revision_of(files: Sequence[FoundFile], place: Place, *, contents: Iterable[tuple[str, str]] = ()) -> str:
    """A digest of the sorted names and sizes of files, equal on every machine that has them.

    `contents` are further pairs of a name and a digest, for files that were read anyway. With `place.verify`,
    SHA-256 digests of the files replace their sizes, and the result begins with `sha256:`.
    """
    pairs = sorted(contents)
    if place.verify:
        return f"sha256:{_digest([*pairs, *((file.name, _sha256(file)) for file in files)])}"
    return _digest([*pairs, *((file.name, str(file.size)) for file in files)])


def _sha256(file: FoundFile) -> str:
    try:
        return sha256_of_file(Path(file.path))
    except OSError as error:
        raise DataError(f"{file.path} cannot be read ({error.strerror}); repair or remove it") from error


def _digest(pairs: Iterable[tuple[str, str]]) -> str:
    try:
        return digest_of_strings(part for pair in sorted(pairs) for part in pair)
    except UnicodeEncodeError as error:
        raise DataError(no_text(str(error.object))) from error


def _walk(root: Path, prefix: str, above: tuple[str, ...]) -> Iterator[tuple[str, os.DirEntry[str], str]]:
    """The files below a folder: their names, directory entries, and the paths of their folders."""
    for entry in _scan(root):
        name = prefix + entry.name
        if not entry.is_dir():
            yield name, entry, str(root)
            continue
        folder = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
        if folder in above:
            raise DataError(f"{entry.path} leads back to {folder}; remove the link")
        yield from _walk(Path(folder), f"{name}/", (*above, folder))


def _scan(folder: Path, *, hidden: bool = False) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [
                entry for entry in entries if hidden or not (entry.name.startswith(".") or entry.name in JUNK)
            ]
    except OSError as error:
        raise DataError(f"{folder} cannot be read ({error.strerror}); check its permissions") from error


def _file(entry: os.DirEntry[str], *, name: str, folder: str) -> FoundFile:
    try:
        status = entry.stat()
    except OSError as error:
        raise DataError(f"{entry.path} cannot be read ({error.strerror}); repair or remove it") from error
    if odd := odd_kind(status.st_mode):
        raise DataError(f"{entry.path} is {odd} and no file; remove it")
    path = os.path.realpath(entry.path) if entry.is_symlink() else os.path.join(folder, entry.name)  # noqa: PTH118
    return FoundFile(name=name, path=path, size=status.st_size, state=state_of(path, status))
