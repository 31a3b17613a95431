"""The source `own`: a user's folder, opened by the layout that is found there."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from vlbench.core.contracts import Place, Source
from vlbench.core.errors import DataError
from vlbench.sources.file_listing import list_files, list_folders, list_names
from vlbench.sources.folder import folder as open_folder
from vlbench.sources.image_file import IMAGE_SUFFIXES
from vlbench.sources.jsonl import METADATA, jsonl
from vlbench.sources.location import locate
from vlbench.sources.parquet import PARQUET_SUFFIX, SPLIT_WORDS, parquet
from vlbench.sources.webdataset import TAR_SUFFIX, webdataset

FACTORIES: dict[str, Callable[..., Source]] = {
    "folder": open_folder,
    "jsonl": jsonl,
    "parquet": parquet,
    "webdataset": webdataset,
}


def own(place: Place, /, *, path: str) -> Source:
    """A folder as it lies: `metadata.jsonl`, parquet, webdataset tars or class folders, in this order.

    Args:
        place: where to look, after the working folder.
        path: the folder (or one parquet file), as a user types it.

    Raises:
        SourceMissing: no such folder.
        DataError: none of the layouts lies there, or what lies there does not read.
    """
    here = replace(place, roots=(Path.cwd(), *place.roots))
    found = detect_layout(locate(here, path, wanted="folder", holds=Path.exists))
    return FACTORIES[str(found["kind"])](place, path=str(found["path"]))


def detect_layout(folder: Path) -> dict[str, object]:
    """The source and its options for what lies in a folder, as a card would state them.

    Raises:
        DataError: nothing that is known lies there; what was looked for is named.
    """
    if folder.is_file():
        if folder.suffix.lower() == PARQUET_SUFFIX:
            return {"kind": "parquet", "path": str(folder)}
        raise DataError(f"{folder} is a file; name a folder, or a {PARQUET_SUFFIX} file")
    names = list_names(folder)
    folders = list_folders(folder)
    below = [name for each in folders for name in list_names(folder / each)]
    if METADATA in names:
        return {"kind": "jsonl", "path": str(folder)}
    for kind, suffix in (("parquet", PARQUET_SUFFIX), ("webdataset", TAR_SUFFIX)):
        if any(name.lower().endswith(suffix) for name in (*names, *below)):
            return {"kind": kind, "path": str(folder)}
    if folders and set(folders) <= SPLIT_WORDS:
        raise DataError(
            f"{folder} holds the splits {', '.join(folders)}; name the folder of one: {folder / folders[0]}"
        )
    if any(file.suffix in IMAGE_SUFFIXES and "/" in file.name for file in list_files(folder)):
        return {"kind": "folder", "path": str(folder)}
    raise DataError(
        f"{folder} holds none of {METADATA}, *{PARQUET_SUFFIX}, *{TAR_SUFFIX} and class folders with images; "
        "arrange it as one of them"
    )
