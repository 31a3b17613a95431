"""What the development kit of Pascal VOC says of its images: splits, and objects with their boxes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from vlbench.core.contracts import Place, Target
from vlbench.core.errors import DataError
from vlbench.core.text_file import read_text
from vlbench.datasets.readers.listed_images import Listed, Present, find_listed, refuse_repeats
from vlbench.datasets.readers.location import folder_with
from vlbench.datasets.readers.text_records import data_lines

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
class VocImages:
    """Images of a split in its order, the split's list, and what each image's annotation says."""

    folder: Path
    list: str
    there: Present
    annotations: tuple[tuple[Path, tuple[VocObject, ...]], ...]


def read_split(place: Place, path: str, split: VocSplit) -> VocImages:
    """The images that a split's list names, and what their annotations say.

    Raises:
        SourceMissing: no such folder.
        DataError: a file that is missing or wrong; it is named.
    """
    relative = f"{SETS}/{split}.txt"
    folder = folder_with(place, path, relative)
    lines = enumerate(data_lines(read_text(folder / relative)), start=1)
    listed = [
        Listed(f"{folder / relative}:{number}", f"{line.split()[0]}.jpg", Target())
        for number, line in lines
        if line.strip()
    ]
    if not listed:
        raise DataError(f"{folder / relative} has no line; unpack the archive again")
    refuse_repeats(listed)
    there = find_listed(listed, folder / IMAGES, place)
    files = [folder / ANNOTATIONS / f"{each.image.removesuffix('.jpg')}.xml" for each in there.images]
    return VocImages(folder, relative, there, tuple((each, tuple(_objects(each))) for each in files))


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
