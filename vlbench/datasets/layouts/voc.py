"""The sources `voc_tags` and `voc_objects`: the images of Pascal VOC, and objects cropped from them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from vlbench.core.contracts import Dataset, Example, Offers, Place, Target
from vlbench.core.dataset import Examples
from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError
from vlbench.core.outside_name import inner_path
from vlbench.core.reading import Reading, Tally
from vlbench.core.text_file import read_text
from vlbench.datasets.readers.annotation import names_of, offers_beside
from vlbench.datasets.readers.file_listing import FoundFile, revision_of
from vlbench.datasets.readers.image_file import open_image_file
from vlbench.datasets.readers.item_fields import Box
from vlbench.datasets.readers.listed_images import (
    Listed,
    Present,
    find_listed,
    listed_dataset,
    refuse_repeats,
)
from vlbench.datasets.readers.location import folder_with
from vlbench.datasets.readers.text_records import data_lines

VocSplit = Literal["train", "val", "trainval", "test"]
Cut = tuple[FoundFile, Box, Target]
"""The part of an image file that shows an object."""
SETS = "ImageSets/Main"
ANNOTATIONS = "Annotations"
IMAGES = "JPEGImages"
SIDES = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True, slots=True)
class VocObject:
    """An object in an image; `box` is None where the annotation has none."""

    name: str
    difficult: bool
    box: Box | None


@dataclass(frozen=True, slots=True)
class VocImages:
    """The images of a split in its order, the list of the split, and the objects of each image."""

    folder: Path
    list: str
    there: Present
    annotations: tuple[tuple[Path, tuple[VocObject, ...]], ...]


def read_split(place: Place, path: str, split: VocSplit) -> VocImages:
    """Read the images that the list of a split names, and their annotations.

    Raises:
        SourceMissing: there is no such folder.
        DataError: a file is missing or wrong; the message names it.
    """
    relative = f"{SETS}/{split}.txt"
    folder = folder_with(place, path, relative)
    lines = enumerate(data_lines(read_text(folder / relative)), start=1)
    listed = []
    for number, line in lines:
        if line.strip():
            where = f"{folder / relative}:{number}"
            listed.append(Listed(where, inner_path(f"{line.split()[0]}.jpg", where), Target()))
    if not listed:
        raise DataError(f"{folder / relative} has no line; unpack the archive again")
    refuse_repeats(listed)
    there = find_listed(listed, folder / IMAGES, place)
    annotated = [inner_path(f"{each.image.removesuffix('.jpg')}.xml", each.where) for each in there.images]
    files = [folder / ANNOTATIONS / each for each in annotated]
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


Difficult = Literal["kept", "left out", "unknown"]


def voc_tags(
    place: Place,
    /,
    *,
    path: str,
    split: VocSplit = "test",
    difficult: Difficult = "kept",
) -> Dataset:
    """Images of Pascal VOC in the order of a split's list; the classes of their objects are tags.

    The folder is one year of the authors' development kit (`VOCdevkit/VOC2007`) with
    `ImageSets/Main/SPLIT.txt`, `Annotations/ID.xml` and `JPEGImages/ID.jpg`.

    Args:
        place: where to look.
        path: that folder.
        split: `train`, `val`, `trainval` or `test`.
        difficult: what an object marked as difficult means for its class: a tag (`kept`), no tag (`left out`:
            the class is then false of the image), or `unknown`. In the challenge such a class is neither
            right nor wrong, unless another object of the image shows it.

    Raises:
        SourceMissing: there is no such folder.
        DataError: a file is missing or wrong; the message names it.

    >>> from vlbench.core.small_place import small_place
    >>> said = "<annotation><object><name>dog</name><bndbox><xmin>1</xmin><ymin>2</ymin>"
    >>> said += "<xmax>30</xmax><ymax>40</ymax></bndbox></object></annotation>"
    >>> files = {"ImageSets/Main/test.txt": "000001", "Annotations/000001.xml": said}
    >>> with small_place({**files, "JPEGImages/000001.jpg": b""}) as place:
    ...     dataset = voc_tags(place, path=".")
    >>> dataset[0].target.tags
    ('dog',)
    """
    voc = read_split(place, path, split)
    tally = Tally()
    become = "whose class is unknown" if difficult == "unknown" else "which are no tags"
    images, said = [], []
    for image, (annotation, objects) in zip(voc.there.images, voc.annotations, strict=True):
        for each in objects:
            if each.difficult and difficult != "kept":
                tally.leave_out(f"difficult objects, {become}", image.image)
        target = _target(objects, difficult)
        images.append(replace(image, target=target))
        unknown = f" ?{' '.join(sorted(map(str, target.unknown)))}" if target.unknown else ""
        said.append(f"{annotation.stem} {' '.join(sorted(map(str, target.tags or ())))}{unknown}")
    return listed_dataset(
        f"voc_tags:{path}",
        replace(voc.there, images=tuple(images)),
        place,
        contents={voc.list: said},
        offers=offers_beside([voc.folder], [each.target for each in images]),
        labels=f"objects, {voc.list}",
        left_out=tally.left_out,
    )


def _target(objects: Sequence[VocObject], difficult: Difficult) -> Target:
    """The classes of the objects in an image, each once."""
    kept = [each.name for each in objects if difficult == "kept" or not each.difficult]
    unsure = [each.name for each in objects if difficult == "unknown" and each.name not in kept]
    return Target(tags=tuple(dict.fromkeys(kept)), unknown=tuple(dict.fromkeys(unsure)))


def voc_objects(place: Place, /, *, path: str, split: VocSplit = "test") -> Dataset:
    """Objects of Pascal VOC's images, also difficult ones, cropped to their boxes; labels are classes.

    CLIP_benchmark makes a classification of VOC 2007 this way: the numbers of a box are the left, top, right
    and bottom of the crop, unchanged. Objects are in the order of the split's list, then of the annotation.

    Args:
        place: where to look.
        path: one year of the development kit (`VOCdevkit/VOC2007`).
        split: `train`, `val`, `trainval` or `test`.

    Raises:
        SourceMissing: there is no such folder.
        DataError: a file is missing or wrong, or an object has no box.

    >>> from vlbench.core.small_place import small_place
    >>> said = "<annotation><object><name>dog</name><bndbox><xmin>1</xmin><ymin>2</ymin>"
    >>> said += "<xmax>30</xmax><ymax>40</ymax></bndbox></object></annotation>"
    >>> files = {"ImageSets/Main/test.txt": "000001", "Annotations/000001.xml": said}
    >>> with small_place({**files, "JPEGImages/000001.jpg": b""}) as place:
    ...     dataset = voc_objects(place, path=".")
    >>> dataset[0].target.label, dataset[0].box
    ('dog', (1, 2, 30, 40))
    """
    voc = read_split(place, path, split)
    cuts: list[Cut] = []
    said: list[str] = []
    for file, (annotation, objects) in zip(voc.there.files, voc.annotations, strict=True):
        for each in objects:
            if each.box is None or each.box[0] >= each.box[2] or each.box[1] >= each.box[3]:
                raise DataError(
                    f"{annotation}: {each.name} has no box that holds pixels; unpack the archive again"
                )
            cuts.append((file, each.box, Target(label=each.name)))
            said.append(f"{annotation.stem} {each.box} {each.name}")
    if not cuts:
        raise DataError(f"{voc.folder / voc.list}: no image has an object; unpack it again")
    return Dataset(
        name=f"voc_objects:{path}",
        revision=revision_of(voc.there.files, place, contents=[(voc.list, digest_of_strings(said))]),
        offers=Offers(names=names_of(target for _, _, target in cuts)),
        examples=Examples(partial(_cut, tuple(cuts)), len(cuts)),
        reading=Reading("voc_objects", f"objects, {voc.list}", lacks=voc.there.lacks),
    )


def _cut(cuts: Sequence[Cut], index: int) -> Example:
    """The example of an object; its id is the file's name and the number of the object among all."""
    file, box, target = cuts[index]
    image = partial(open_image_file, file.path)
    return Example(f"{file.name}/{index}", image, target, f"{file.state}#{box}", box=box)
