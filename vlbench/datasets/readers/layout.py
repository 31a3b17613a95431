"""The source `own`: a user's folder, opened with the layout that is found there."""

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vlbench.core.contracts import Dataset, Place
from vlbench.core.errors import DataError
from vlbench.core.reading import Tally
from vlbench.core.regular_file import open_regular
from vlbench.datasets.layouts.caption_json import caption_json
from vlbench.datasets.readers.file_listing import list_folders, names_below
from vlbench.datasets.readers.folder import PACKED_SUFFIXES, TABLES, own_folder
from vlbench.datasets.readers.image_file import IMAGE_SUFFIXES
from vlbench.datasets.readers.jsonl import METADATA, TABLE, jsonl
from vlbench.datasets.readers.location import locate
from vlbench.datasets.readers.parquet import PARQUET_SUFFIX, SPLIT_WORDS, parquet
from vlbench.datasets.readers.webdataset import COMPRESSED_TARS, TAR_SUFFIX, webdataset

KARPATHY = "dataset_*.json"
KARPATHY_SUFFIX = ".json"
_FIELDS = (b'"images"', b'"sentences"')
_BEGINNING = 2**16
"""Bytes of a file of Karpathy's in which its fields stand, whose first image is short."""


def own_captions(place: Place, /, *, path: str) -> Dataset:
    """Karpathy's captions without a card: a file, or the only one in a folder, with the images below it.

    Raises:
        DataError: there are several files, or as `caption_json`.
    """
    given = Path(path)
    files = [given] if given.is_file() else _karpathy_files(given)
    if len(files) > 1:
        raise DataError(f"{given} holds {files[0].name} and {files[1].name}; name the file of one")
    folder = files[0].parent
    here = replace(place, roots=())  # images of that name under a data root are others'
    return caption_json(
        here, path=str(folder), annotations=files[0].name, images=[".", *list_folders(folder)]
    )


def _karpathy_files(folder: Path) -> list[Path]:
    """The files in a folder that are called as Karpathy's are, and begin as they do."""
    return [file for file in sorted(folder.glob(KARPATHY)) if all(each in _head(file) for each in _FIELDS)]


def _head(file: Path) -> bytes:
    try:
        with open_regular(file) as opened:
            return opened.read(_BEGINNING)
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror}); repair or remove it") from error


FACTORIES: dict[str, Callable[..., Dataset]] = {
    "caption_json": own_captions,
    "folder": own_folder,
    "jsonl": jsonl,
    "parquet": parquet,
    "webdataset": webdataset,
}
PACKED_LAYOUTS = (("parquet", PARQUET_SUFFIX), ("webdataset", TAR_SUFFIX))
FEWEST_CLASSES = 2
"""From this number of folders with images, they are class folders, whatever else is there."""


@dataclass(frozen=True, slots=True)
class FoundLayout:
    """The layout that was recognised in a folder, and the names of files that it does not read."""

    kind: str
    unread: tuple[tuple[str, str], ...] = ()  # why, name


def own(place: Place, /, *, path: str) -> Dataset:
    """A folder as it is: what `metadata.jsonl`, `metadata.csv` or Karpathy's `dataset_*.json` lists, class
    folders, parquet files or webdataset tars, in this order.

    Class folders are two or more folders with images. Files of another layout next to the one that is read
    are counted as left out.

    Args:
        place: where to look, after the working folder.
        path: the folder (or one parquet file, or one of Karpathy's), as a user types it.

    Raises:
        SourceMissing: there is no such folder.
        DataError: there is none of the layouts, more than one, or what is there cannot be read.

    >>> from vlbench.core.small_place import small_place
    >>> with small_place({"pets/dog/1.jpg": b"", "pets/cat/1.jpg": b""}) as place:
    ...     dataset = own(place, path=str(place.roots[0] / "pets"))
    >>> dataset.reading.layout, dataset[0].target.label
    ('folder', 'cat')
    """
    here = replace(place, roots=(Path.cwd(), *place.roots))
    folder = locate(here, path, wanted="folder", holds=Path.exists)
    found = detect_layout(folder)
    source = FACTORIES[found.kind](place, path=str(folder))
    tally = Tally()
    tally.add(source.reading.left_out)
    for why, name in found.unread:
        tally.leave_out(why, name)
    return replace(source, reading=replace(source.reading, left_out=tally.left_out))


def detect_layout(folder: Path) -> FoundLayout:
    """Recognise the layout of a folder.

    Raises:
        DataError: there is no known layout, or more than one; the message lists what was looked for.
    """
    if folder.is_file():
        if folder.suffix.lower() == PARQUET_SUFFIX:
            return FoundLayout("parquet")
        if folder.suffix.lower() == KARPATHY_SUFFIX:
            return FoundLayout("caption_json")
        raise DataError(f"{folder} is a file; name a folder, a {PARQUET_SUFFIX} file, or a {KARPATHY}")
    names = names_below(folder)
    if METADATA in names or TABLE in names:
        return FoundLayout("jsonl", tuple(_packed(names)))
    if _karpathy_files(folder):
        return FoundLayout("caption_json", tuple(_packed(names)))
    images = [name for name in names if posixpath.splitext(name)[1].lower() in IMAGE_SUFFIXES]
    pictured = {_top(name) for name in images if "/" in name}
    for kind, suffix in PACKED_LAYOUTS:
        holders = [name for name in names if name.lower().endswith(suffix)]
        if not any(name.count("/") < 2 for name in holders):
            continue
        if len(pictured) < FEWEST_CLASSES or pictured <= SPLIT_WORDS:
            beside = [(f"images that are not in the {kind} files", name) for name in images]
            return FoundLayout(kind, (*beside, *(each for each in _packed(names) if each[1] not in holders)))
        apart = [name for name in holders if "/" in name and _top(name) not in pictured]
        if apart:
            raise DataError(
                f"{folder} holds class folders with images ({min(pictured)}/) and {apart[0]}; "
                "name the folder of one, or move the other away"
            )
        break
    folders = list_folders(folder)
    if pictured and set(folders) <= SPLIT_WORDS:
        raise DataError(
            f"{folder} holds the splits {', '.join(folders)}; name the folder of one: {folder / folders[0]}"
        )
    _refuse_split(folder, images, pictured)
    if pictured:
        return FoundLayout("folder")
    raise DataError(f"{folder} {_what_lies_there(names, images)}")


def _packed(names: Sequence[str]) -> list[tuple[str, str]]:
    """The archives among some files, each with the reason why it is not read."""
    return [
        ("archives, not unpacked", name)
        for name in names
        if posixpath.splitext(name)[1].lower() in PACKED_SUFFIXES
    ]


def _refuse_split(folder: Path, images: Sequence[str], pictured: set[str]) -> None:
    """Refuse class folders beside a folder like `test` that has class folders itself: it is no class."""
    nested = {_top(name) for name in images if name.count("/") > 1}
    flat = {_top(name) for name in images if name.count("/") == 1}
    for split in sorted((pictured & SPLIT_WORDS & nested) - flat):
        raise DataError(
            f"{folder} holds the split {split!r} beside other folders with images; name the folder of one: "
            f"{folder / split}"
        )


def _what_lies_there(names: Sequence[str], images: Sequence[str]) -> str:
    """The error text for a folder without a known layout: what is there, and what to do."""
    packed = next((name for name in names if name.lower().endswith(COMPRESSED_TARS)), None)
    if packed is not None:
        return f"holds {packed}, which is compressed; unpack it (gunzip {packed})"
    if archives := _packed(names):
        return f"holds {archives[0][1]}, which is packed; unpack it"
    wanted = (
        f"{METADATA}, {TABLE}, {KARPATHY}, *{PARQUET_SUFFIX}, *{TAR_SUFFIX} and class folders with images"
    )
    tables = [name for name in names if posixpath.splitext(name)[1].lower() in TABLES]
    if images:
        table = f" ({tables[0]} is not read)" if tables else ""
        return (
            f"holds {len(images):,} images flat, as {images[0]}, and nothing that says what they show"
            f"{table}: sort them into a folder for each class, or write a {METADATA} with a line for each: "
            '{"file_name": ..., "label": ...}, or "captions": [...]'
        )
    return f"holds none of {wanted}; arrange it as one of them"


def _top(name: str) -> str:
    return name.partition("/")[0]
