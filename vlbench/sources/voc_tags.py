"""The source `voc_tags`: images of Pascal VOC with the classes of their objects as tags."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from vlbench.core.contracts import Place, Target
from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError
from vlbench.sources.annotation import lines_of, offers_beside, read_text
from vlbench.sources.file_listing import find_files, revision_of
from vlbench.sources.image_file import ImageFiles
from vlbench.sources.location import locate

SETS = "ImageSets/Main"
ANNOTATIONS = "Annotations"
IMAGES = "JPEGImages"


def voc_tags(
    place: Place,
    /,
    *,
    path: str,
    split: Literal["train", "val", "trainval", "test"] = "test",
    difficult: Literal["kept", "left out"] = "kept",
) -> ImageFiles:
    """Images of Pascal VOC in the order of a split's list; the classes of their objects are tags.

    The folder is a year of the authors' development kit (`VOCdevkit/VOC2007`): it holds
    `ImageSets/Main/SPLIT.txt`, `Annotations/ID.xml` and `JPEGImages/ID.jpg`.

    Args:
        place: where to look.
        path: that folder.
        split: `train`, `val`, `trainval` or `test`.
        difficult: whether an object marked as difficult makes its class a tag (`kept`) or not (`left out`).

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
    found = find_files(folder / IMAGES, (f"{each}.jpg" for each in ids))
    tags = []
    for each in ids:
        if f"{each}.jpg" not in found:
            raise DataError(
                f"{folder / relative}: image {folder / IMAGES / f'{each}.jpg'} is not there; "
                "unpack the archive again"
            )
        file = folder / ANNOTATIONS / f"{each}.xml"
        tags.append(tuple(dict.fromkeys(_classes(file, keep_difficult=difficult == "kept"))))
    files = tuple(found[f"{each}.jpg"] for each in ids)
    targets = tuple(Target(tags=each) for each in tags)
    contents = digest_of_strings(
        f"{each} {' '.join(sorted(own))}" for each, own in zip(ids, tags, strict=True)
    )
    return ImageFiles(
        name=f"voc_tags:{path}",
        revision=revision_of(files, place, contents=[(relative, contents)]),
        offers=offers_beside([folder], targets),
        files=files,
        targets=targets,
    )


def _classes(file: Path, *, keep_difficult: bool) -> Iterator[str]:
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
        if keep_difficult or (each.findtext("difficult") or "0").strip() != "1":
            yield name
