"""What the development kit of Pascal VOC says of its images: splits, and objects with their boxes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from vlbench.core.contracts import Place
from vlbench.core.errors import DataError
from vlbench.datasets.readers.absent_images import those_there
from vlbench.datasets.readers.annotation import lines_of, read_text
from vlbench.datasets.readers.file_listing import FoundFile, find_files
from vlbench.datasets.readers.location import locate

VocSplit = Literal["train", "val", "trainval", "test"]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels, as the annotation states them."""
SETS = "ImageSets/Main"
ANNOTATIONS = "Annotations"
IMAGES = "JPEGImages"
SIDES = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True, slots=True)
class VocObject:
    """An object of an image; `box` is None where the annotation has none."""

    name: str
    difficult: bool
    box: Box | None


@dataclass(frozen=True, slots=True)
class Annotated:
    """Images of a split in its order, the objects of each, the split's list, what is not there."""

    folder: Path
    list: str
    ids: tuple[str, ...]
    files: tuple[FoundFile, ...]
    objects: tuple[tuple[VocObject, ...], ...]
    lacks: str


def read_split(place: Place, path: str, split: VocSplit) -> Annotated:
    """The images that a split's list names, and what their annotations say.

    Raises:
        SourceMissing: no such folder.
        DataError: a file that is missing or wrong; it is named.
    """
    relative = f"{SETS}/{split}.txt"
    folder = locate(place, path, wanted=relative, holds=lambda each: (each / relative).is_file())
    ids = [line.split()[0] for line in lines_of(read_text(folder / relative)) if line.strip()]
    if not ids:
        raise DataError(f"{folder / relative} has no line; unpack the archive again")
    if len(set(ids)) < len(ids):
        raise DataError(f"{folder / relative}: an image stands twice; unpack the archive again")
    names = [f"{each}.jpg" for each in ids]
    found = find_files(folder / IMAGES, names)
    there = those_there(
        names, found, place, lambda i: f"{folder / relative}: image {folder / IMAGES / names[i]}"
    )
    ids = [ids[i] for i in there.positions]
    return Annotated(
        folder=folder,
        list=relative,
        ids=tuple(ids),
        files=tuple(found[f"{each}.jpg"] for each in ids),
        objects=tuple(tuple(_objects(folder / ANNOTATIONS / f"{each}.xml")) for each in ids),
        lacks=there.lacks,
    )


def _objects(file: Path) -> Iterator[VocObject]:
    text = read_text(file)
    if "<!" in text:
        raise DataError(f"{file}: declares entities or a document type, which VOC does not; fetch it again")
    try:
        record = ElementTree.fromstring(text)  # noqa: S314 - entities are refused above
    except ElementTree.ParseError as error:
        raise DataError(f"{file}: not XML ({error}); unpack the archive again") from error
    for each in record.findall("object"):
        name = (each.findtext("name") or "").strip()
        if not name:
            raise DataError(f"{file}: an object without a name; unpack the archive again")
        difficult = (each.findtext("difficult") or "0").strip() == "1"
        yield VocObject(name, difficult, _box(each, file))


def _box(record: ElementTree.Element, file: Path) -> Box | None:
    box = record.find("bndbox")
    if box is None:
        return None
    try:
        left, top, right, bottom = (int(box.findtext(side) or "") for side in SIDES)
    except ValueError as error:
        raise DataError(f"{file}: a box that is no four numbers; unpack the archive again") from error
    return left, top, right, bottom
