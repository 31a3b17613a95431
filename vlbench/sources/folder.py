"""The source `folder`: a folder for each class, with its images."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from vlbench.core.contracts import Offers, Place, Target, Text
from vlbench.core.errors import DataError, SourceMissing
from vlbench.sources.annotation import templates_beside
from vlbench.sources.file_listing import FoundFile, list_files, list_folders, revision_of
from vlbench.sources.image_file import IMAGE_SUFFIXES, ImageFiles
from vlbench.sources.location import locate

COMPANION_SUFFIXES = frozenset(
    (
        ".csv",
        ".db",
        ".html",
        ".ini",
        ".json",
        ".jsonl",
        ".log",
        ".mat",
        ".md",
        ".npy",
        ".tsv",
        ".txt",
        ".xml",
        ".yaml",
        ".yml",
    )
)
"""Suffixes of what often lies beside images (labels, Thumbs.db, desktop.ini) and is left out."""


def folder(
    place: Place,
    /,
    *,
    path: str,
    labels: Literal["names", "indices"] = "names",
    leave_out: list[str] | None = None,
) -> ImageFiles:
    """Images in class folders: a sub-folder's name is the label of all images under it.

    Names offered are the sub-folders' names with spaces for underscores; the folder name stays as the
    id `folder`, so that a card may name the classes of wnid folders. Templates come from a
    `templates.txt` beside the folders. Files in the root, hidden files and companions of images
    (`.txt`, `.json`, `Thumbs.db` ...) are left out.

    Args:
        place: where to look.
        path: the folder that holds the class folders.
        labels: what a sub-folder's name is: a class's name or id, or (`indices`) its index, as in
            ImageNet-V2; then none are offered.
        leave_out: sub-folders that are no classes.

    Raises:
        SourceMissing: no such folder, or no image in any sub-folder.
        DataError: a class folder without an image, a file in one that is neither image nor companion,
            or a folder whose name is no index.
    """
    root = locate(place, path, wanted="folder with class folders", holds=_has_folder)
    without = frozenset(leave_out or ())
    files = [file for file in list_files(root) if _top(file) not in without and _is_image(file, root)]
    if not files:
        raise SourceMissing(
            f"no image in the folders of {root}", f"put images into {root}/CLASS/, a folder for each class"
        )
    classes = [name for name in list_folders(root) if name not in without]
    for empty in sorted(set(classes) - {_top(file) for file in files}):
        raise DataError(f"class folder {root / empty} holds no image; add images or remove the folder")
    if labels == "indices":
        targets = {name: Target(label=_index(name, root)) for name in classes}
        names: Sequence[Text] = ()
    else:
        targets = {name: Target(label=name) for name in classes}
        names = [Text(name=name.replace("_", " "), ids={"folder": name}) for name in classes]
    return ImageFiles(
        name=f"folder:{path}",
        revision=revision_of(files, place),
        offers=Offers(names=tuple(names), templates=templates_beside(root)),
        files=tuple(files),
        targets=tuple(targets[_top(file)] for file in files),
    )


def _top(file: FoundFile) -> str:
    return file.name.split("/", 1)[0]


def _index(name: str, root: Path) -> int:
    if not (name.isascii() and name.isdigit()):
        raise DataError(f"class folder {root / name} is no index of a class; rename or remove it")
    return int(name)


def _has_folder(path: Path) -> bool:
    return path.is_dir() and bool(list_folders(path))


def _is_image(file: FoundFile, root: Path) -> bool:
    if "/" not in file.name:
        return False
    if file.suffix in IMAGE_SUFFIXES:
        return True
    if file.suffix in COMPANION_SUFFIXES:
        return False
    raise DataError(f"{root / file.name} is no image by its suffix; convert it to PNG or move it away")
