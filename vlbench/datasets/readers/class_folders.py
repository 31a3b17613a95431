"""What the names of class folders stand for: classes, lines of a file of names, or indices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vlbench.core.contracts import Target, Text
from vlbench.core.errors import DataError
from vlbench.datasets.readers.annotation import names_beside, names_file, text_of


@dataclass(frozen=True, slots=True)
class Classes:
    """Names and the targets of class folders; `labels` says where they come from.

    `wrong` says why a file of names beside them names other classes, and is not read. `may_be_empty` are
    folders that the file names, so that they may be classes without an image.
    """

    names: tuple[Text, ...]
    targets: Mapping[str, Target]
    labels: str
    wrong: str = ""
    may_be_empty: frozenset[str] = frozenset()


def indexed(folders: Sequence[str], root: Path) -> Classes:
    """Folders whose names are indices of the card's classes.

    Raises:
        DataError: one is no index.
    """
    for name in folders:
        if not _is_number(name):
            raise DataError(f"class folder {root / name} is no index of a class; rename or remove it")
    return Classes((), {name: Target(label=int(name)) for name in folders}, "numbers of the class folders")


def named(folders: Sequence[str], root: Path) -> Classes:
    """Folders that are lines of the file of names beside them, else classes by their own names."""
    file = names_file(root)
    if file is None:
        return _by_themselves(folders, "")
    texts = names_beside(root)
    lines = _lines_by_name(folders, texts) or _lines_by_number(folders, len(texts))
    if lines is None:
        return _by_themselves(folders, _complaint(folders, texts, file))
    named_folders = {line: folder for folder, line in lines.items()}
    names = [
        replace(text, ids={**text.ids, "folder": named_folders[line]}) if line in named_folders else text
        for line, text in enumerate(texts)
    ]
    return Classes(
        names=tuple(names),
        targets={folder: Target(label=folder) for folder in lines},
        labels=f"class folders, lines of {file.name}",
        may_be_empty=frozenset(folders),
    )


def _by_themselves(folders: Sequence[str], wrong: str) -> Classes:
    names = tuple(Text(name=text_of(name).name, ids={"folder": name}) for name in folders)
    return Classes(names, {name: Target(label=name) for name in folders}, "names of the class folders", wrong)


def _lines_by_name(folders: Sequence[str], texts: Sequence[Text]) -> dict[str, int] | None:
    """The line of each folder, by its name or its second column; None where one has none, or shares it."""
    places: dict[str, set[int]] = {}
    for line, text in enumerate(texts):
        for word in {_plain(text.name), *map(_plain, text.ids.values())}:
            places.setdefault(word, set()).add(line)
    lines = {folder: places.get(_plain(folder), set()) for folder in folders}
    found = {folder: min(each) for folder, each in lines.items() if len(each) == 1}
    return found if len(found) == len(folders) == len(set(found.values())) else None


def _lines_by_number(folders: Sequence[str], count: int) -> dict[str, int] | None:
    """The line of each folder, by its number from 0 on; None where one is no number, or beyond the lines."""
    if not all(map(_is_number, folders)):
        return None
    lines = {folder: int(folder) for folder in folders}
    return lines if len(set(lines.values())) == len(folders) and max(lines.values()) < count else None


def _complaint(folders: Sequence[str], texts: Sequence[Text], file: Path) -> str:
    if all(map(_is_number, folders)):
        return (
            f"{file} has {len(texts)} lines, numbered from 0, and the folders go from "
            f"{min(folders, key=int)} to {max(folders, key=int)}; number them so, or write "
            "NAME, a tab, FOLDER"
        )
    known = {_plain(word) for text in texts for word in (text.name, *text.ids.values())}
    first = next((folder for folder in folders if _plain(folder) not in known), folders[0])
    return (
        f"{file} names {len(texts)} classes, and no one line is folder {first!r}; write NAME, a tab, FOLDER"
    )


def _plain(name: str) -> str:
    return name.replace("_", " ").strip()


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit()
