"""The source `folder`: one folder of images per class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from vlbench.core.contracts import Dataset, Offers, Place, Target, Text
from vlbench.core.errors import DataError, SourceMissing
from vlbench.core.reading import Reading, Tally
from vlbench.datasets.readers.annotation import (
    NAME_FILES,
    TEMPLATE_FILES,
    names_beside,
    names_file,
    templates_beside,
    text_of,
)
from vlbench.datasets.readers.file_listing import (
    FoundFile,
    list_files,
    list_folders,
    list_names,
    passed_over,
    revision_of,
)
from vlbench.datasets.readers.image_file import IMAGE_SUFFIXES, file_examples
from vlbench.datasets.readers.location import locate

TABLES = (".csv", ".json", ".tsv", ".txt")
"""Suffixes of tables, which may hold the labels of images without class folders."""
_SETTINGS = (".db", ".ini", ".xml", ".yaml", ".yml")
COMPANION_SUFFIXES = frozenset((*TABLES, *_SETTINGS, ".html", ".jsonl", ".log", ".mat", ".md", ".npy"))
"""Suffixes of files that are often next to images (labels, Thumbs.db, desktop.ini); they are skipped."""
PACKED_SUFFIXES = frozenset((".7z", ".bz2", ".gz", ".parquet", ".rar", ".tar", ".tgz", ".xz", ".zip", ".zst"))
"""Suffixes of archives of images; they are skipped if there are unpacked images."""


def folder(
    place: Place,
    /,
    *,
    path: str,
    labels: Literal["names", "indices"] = "names",
    leave_out: list[str] | None = None,
) -> Dataset:
    """Images in class folders: the name of a sub-folder is the label of all images below it.

    The names offered are those of a `names.txt` (or `classnames.txt`) next to the folders. Each folder
    matches a line by its name, by the second column or, if folders are numbers, by its position; a line
    without a folder is a class without images. Without such a file, the names are those of the sub-folders,
    with spaces for underscores, and the folder's name is the id `folder`, so that a card may name the classes
    of wnid folders. Templates come from a `templates.txt` next to the folders. Files in the root, hidden
    files, archives and companions of images (`.txt`, `.json`, `Thumbs.db` ...) are left out.

    Args:
        place: where to look.
        path: the folder that contains the class folders.
        labels: what the name of a sub-folder is: a class's name or id, or (`indices`) its index, as in
            ImageNet-V2; then no names are offered.
        leave_out: sub-folders that are not classes.

    Raises:
        SourceMissing: there is no such folder, or no image in any sub-folder.
        DataError: a class folder has no image, a file in one is neither image nor companion, or the name of a
            folder is no index.

    >>> from vlbench.core.small_place import small_place
    >>> with small_place({"pets/hot_dog/1.jpg": b"", "pets/cat/1.jpg": b""}) as place:
    ...     dataset = folder(place, path="pets")
    >>> dataset[0].target.label, [text.name for text in dataset.offers.names]
    ('cat', ['cat', 'hot dog'])
    """
    return _open(place, path, indices=labels == "indices", without=leave_out or ())


def own_folder(place: Place, /, *, path: str) -> Dataset:
    """Class folders without a card.

    A file of names next to them must match them, since no card names the classes. An empty folder is a class
    without images: a candidate all the same.

    Raises:
        DataError: the file does not match; or as `folder`.
    """
    return _open(place, path, own=True)


def _open(
    place: Place,
    path: str,
    *,
    indices: bool = False,
    without: Sequence[str] = (),
    own: bool = False,
) -> Dataset:
    root = _root(place, path)
    tally = Tally()
    found = list_files(root)
    files = [file for file in found if _is_wanted(file, root, without, tally)]
    for name in passed_over(root):
        tally.leave_out("folders that are hidden, or left by an archiver or a system", name)
    if not files:
        raise SourceMissing(
            f"no image in the folders of {root}", f"put images into {root}/CLASS/, a folder for each class"
        )
    folders = [name for name in list_folders(root) if name not in without]
    classes = indexed(folders, root) if indices else named(folders, root)
    if classes.wrong and own:
        raise DataError(classes.wrong)
    empty = sorted(set(folders) - {_top(file) for file in files} - classes.may_be_empty)
    holding = {_top(file) for file in found}
    for name in empty if not own else [each for each in empty if each in holding]:
        raise DataError(
            f"class folder {root / name} holds no image; add images, remove the folder, or list all classes "
            f"in {root / NAME_FILES[0]} to keep it as a candidate"
        )
    remarks = [f"not read: {classes.wrong.replace(f'{root}/', '')}"] if classes.wrong else []
    if empty:
        remarks.append(f"{len(empty):,} class folders are empty and stay candidates, as {empty[0]}")
    deep = [file.name for file in files if file.name.count("/") > 1]
    if deep:
        remarks.append(f"{len(deep):,} images lie deeper, as {deep[0]}; the upper folder is the class")
    return Dataset(
        name=f"folder:{path}",
        revision=revision_of(files, place, contents=[(f"{name}/", "empty") for name in empty]),
        offers=Offers(names=classes.names, templates=templates_beside(root)),
        examples=file_examples(files, [classes.targets[_top(file)] for file in files]),
        reading=Reading("folder", classes.labels, tally.left_out, tuple(remarks)),
    )


def _top(file: FoundFile) -> str:
    return file.name.split("/", 1)[0]


def _root(place: Place, path: str) -> Path:
    """The first place with class folders. If there are images without class folders, the error tells so."""
    flat: list[str] = []

    def holds(folder: Path) -> bool:
        if not folder.is_dir():
            return False
        images = [name for name in list_names(folder) if Path(name).suffix.lower() in IMAGE_SUFFIXES]
        if images:
            flat.append(f"{len(images):,} images lie flat in {folder}, as {images[0]}")
        return bool(list_folders(folder))

    mend = "move each image into a folder named by its class (its wnid)"
    return locate(place, path, wanted="folder with class folders", holds=holds, instead=flat, mend=mend)


def _is_wanted(file: FoundFile, root: Path, without: Sequence[str], tally: Tally) -> bool:
    """Whether a file is an image of a class; other files are counted in `tally`."""
    is_image = file.suffix in IMAGE_SUFFIXES
    if "/" not in file.name:
        if file.name not in (*NAME_FILES, *TEMPLATE_FILES):
            tally.leave_out(
                "images in no class folder" if is_image else "files beside the folders", file.name
            )
    elif _top(file) in without:
        tally.leave_out("files in folders that the card leaves out", file.name)
    elif is_image:
        return True
    elif file.suffix in COMPANION_SUFFIXES:
        tally.leave_out("files in class folders that are no images", file.name)
    elif file.suffix in PACKED_SUFFIXES:
        tally.leave_out("archives in class folders, not unpacked", file.name)
    else:
        raise DataError(f"{root / file.name} is no image by its suffix; convert it to PNG or move it away")
    return False


@dataclass(frozen=True, slots=True)
class Classes:
    """Names, and the targets of class folders; `labels` states where they come from.

    `wrong` tells why a file of names next to them does not match and is not used. `may_be_empty` are folders
    that the file names; they may be classes without images.
    """

    names: tuple[Text, ...]
    targets: Mapping[str, Target]
    labels: str
    wrong: str = ""
    may_be_empty: frozenset[str] = frozenset()


def indexed(folders: Sequence[str], root: Path) -> Classes:
    """Class folders whose names are indices of the card's classes.

    Raises:
        DataError: a name is no index.
    """
    for name in folders:
        if not _is_number(name):
            raise DataError(f"class folder {root / name} is no index of a class; rename or remove it")
    return Classes((), {name: Target(label=int(name)) for name in folders}, "numbers of the class folders")


def named(folders: Sequence[str], root: Path) -> Classes:
    """Class folders as lines of the file of names next to them; without a match, classes by folder name."""
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
    """The line of each folder, by name or second column; None if a folder has no line or shares one."""
    places: dict[str, set[int]] = {}
    for line, text in enumerate(texts):
        for word in {_plain(text.name), *map(_plain, text.ids.values())}:
            places.setdefault(word, set()).add(line)
    lines = {folder: places.get(_plain(folder), set()) for folder in folders}
    found = {folder: min(each) for folder, each in lines.items() if len(each) == 1}
    return found if len(found) == len(folders) == len(set(found.values())) else None


def _lines_by_number(folders: Sequence[str], count: int) -> dict[str, int] | None:
    """The line of each folder, by its number from 0; None if a folder is no number, or beyond the lines."""
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
