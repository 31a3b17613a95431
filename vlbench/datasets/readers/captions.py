"""Images with captions from annotation files: finds the images and makes the data set."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from vlbench.core.contracts import Dataset, Offers, Place, Target
from vlbench.core.errors import CardError, DataError, SourceMissing
from vlbench.core.outside_name import InnerPath, inner_folder, inner_path
from vlbench.core.reading import Tally
from vlbench.datasets.readers.annotation import said_captions, templates_beside
from vlbench.datasets.readers.file_listing import FoundFile, find_files
from vlbench.datasets.readers.listed_images import Listed, listed_dataset, those_there

Caption = tuple[str, str, str]
"""The place of a caption in the annotations, the image that it is of, and the caption, which may be blank."""


def captioned_images(
    name: str,
    lines: Iterable[Caption],
    place: Place,
    *,
    folder: Path,
    images: Sequence[str],
    file: str,
    tally: Tally | None = None,
    remarks: tuple[str, ...] = (),
) -> Dataset:
    """Images in the order of their first line, each with its captions.

    `images` are folders in the data set's own or under a data root; the first one that has an image is used.
    Blank captions are left out and counted in `tally`. `file` names the file of captions. The revision covers
    names, captions and sizes, not the format of the annotations.

    Raises:
        SourceMissing: none of the images is there.
        CardError: a folder of images that leads out of its place.
        DataError: no caption, an image whose path leads out of the folder, or one that is not there.
    """
    tally = tally or Tally(str(folder))
    listed = _gathered(lines, tally)
    if not listed:
        raise DataError(f"{name} has no caption; check the split and the annotations in {folder}")
    inside = [inner_folder(each, f"source {name}: images", CardError) for each in images]
    places = [parent / each for parent in (folder, *place.roots) for each in inside]
    folders = list(dict.fromkeys(each.resolve() for each in places if each.is_dir()))
    found: dict[InnerPath, FoundFile] = {}
    for each in folders:
        found |= find_files(each, [image.image for image in listed if image.image not in found])
    looked = ", ".join(map(str, folders)) or str(folder)
    if not found:
        raise SourceMissing(
            f"none of the {len(listed)} images in {looked}", f"put them there, as {listed[0].image}"
        )
    there = those_there(listed, found, place, hint=f" of {looked}")
    said = [
        part
        for image in there.images
        for part in (image.image, str(len(image.target.captions)), *image.target.captions)
    ]
    return listed_dataset(
        name,
        there,
        place,
        contents={"captions": said},
        offers=Offers(templates=templates_beside(folder)),
        labels=f"captions of {file}",
        left_out=tally.left_out,
        remarks=remarks,
    )


def _gathered(lines: Iterable[Caption], tally: Tally) -> list[Listed]:
    wheres: dict[InnerPath, str] = {}
    captions: dict[InnerPath, list[str]] = {}
    for where, image, caption in lines:
        inside = inner_path(image, where)
        wheres.setdefault(inside, where)
        captions.setdefault(inside, []).extend(said_captions([caption], where, tally))
    return [Listed(wheres[image], image, Target(captions=tuple(own))) for image, own in captions.items()]


def stated_caption(value: object) -> str:
    """A caption from a JSON file; null becomes blank.

    Raises:
        TypeError: it is not a string.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"caption {value!r} is no string")
    return value
