"""The source `tag_annotations`: images and tags as the Recognize Anything repository annotates them.

Also the verified labels of Open Images, which list true and false tags of an image.
"""

import posixpath
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from vlbench.core.contracts import Dataset, Place, Target
from vlbench.core.errors import CardError, DataError, SourceMissing
from vlbench.core.outside_name import InnerPath, inner_folder, inner_path
from vlbench.core.reading import Tally
from vlbench.core.text_file import csv_records, read_text
from vlbench.datasets.readers.annotation import offers_beside
from vlbench.datasets.readers.file_listing import FoundFile, find_files, list_files
from vlbench.datasets.readers.image_file import IMAGE_SUFFIXES
from vlbench.datasets.readers.listed_images import (
    Listed,
    listed_dataset,
    refuse_repeats,
    those_there,
)
from vlbench.datasets.readers.location import locate
from vlbench.datasets.readers.text_records import data_lines

Form = Literal["names", "indices", "open images"]
VERIFIED = ("ImageID", "LabelName", "Confidence")
"""The columns of Open Images' verified labels that are read. Confidence 1 means true, 0 means false."""
JPEG = ".jpg"


def tag_annotations(
    place: Place,
    /,
    *,
    path: str,
    annotations: str,
    form: Form = "names",
    images: str = "imgs",
    negatives: str | None = None,
) -> Dataset:
    """Images and tags in the order of an annotation file of Recognize Anything or Open Images.

    A line of the form `names` is `image,tag,tag...`. A line of the form `indices` is `image,index index...`,
    with positions among the names of the card. An image without anything after its name has no tags. The form
    `open images` is that of its human-verified labels, `ImageID,Source,LabelName,Confidence`, with the ids of
    labels; a label without verification for an image is unknown. A name without the suffix of an image file
    means a `.jpg`. An image is at its path in the folder, or else is the only file with its name in any
    sub-folder.

    Args:
        place: where to look.
        path: the folder of the data set.
        annotations: the file of annotations, possibly gzipped: in that folder, under a data root or next to
            the card.
        form: how tags are written.
        images: the sub-folder of the images, if there is one.
        negatives: a file of the same form with the tags that are known to be false of each image, such as the
            verified negative labels of Open Images; tags in neither file are then unknown.

    Raises:
        SourceMissing: there is no such folder or file, or none of the images is in the folder.
        DataError: a line is wrong, or an image is missing; the message names file and line.

    >>> from vlbench.core.small_place import small_place
    >>> with small_place({"test.txt": "1.jpg,dog,mat", "imgs/1.jpg": b""}) as place:
    ...     dataset = tag_annotations(place, path=".", annotations="test.txt")
    >>> dataset[0].target.tags
    ('dog', 'mat')
    """
    folder = locate(place, path, wanted="folder of images", holds=Path.is_dir)
    beside = replace(place, roots=(folder, *place.roots))
    file = locate(beside, annotations, wanted="annotation file", holds=Path.is_file)
    tally = Tally()
    texts = [read_text(file)]
    listed = list(_verified(texts[0], file) if form == "open images" else _listed(texts[0], file, form))
    if not listed:
        raise DataError(f"{file} has no line; add one for each image")
    labels = f"{form} of {file.name}"
    if negatives is not None:
        if form == "open images":
            raise DataError(f"{file} lists what is false itself; leave out `negatives`")
        other = locate(beside, negatives, wanted="file of negative tags", holds=Path.is_file)
        texts.append(read_text(other))
        listed = _with_negatives(listed, _listed(texts[1], other, form), tally)
        labels += f", negative tags of {other.name}"
    below = folder / inner_folder(images, f"source tag_annotations:{path}: images", CardError)
    root = below if below.is_dir() else folder
    return listed_dataset(
        f"tag_annotations:{path}",
        those_there(listed, _found(root, listed), place, root),
        place,
        contents={"annotations": texts},
        offers=offers_beside([folder], [each.target for each in listed]),
        labels=labels,
        left_out=tally.left_out,
    )


def _with_negatives(listed: Sequence[Listed], negative: Sequence[Listed], tally: Tally) -> list[Listed]:
    """The images with the false tags of each; none where no line states any."""
    false = {each.image: each.target.tags for each in negative}
    for image in sorted(false.keys() - {each.image for each in listed}):
        tally.leave_out("lines of negative tags whose image is not annotated", image)
    return [
        replace(each, target=replace(each.target, negatives=false.get(each.image, ()))) for each in listed
    ]


def _verified(text: str, file: Path) -> Iterator[Listed]:
    """The images of Open Images' verified labels, in the order of their first line."""
    columns, rows = csv_records(text, str(file))
    if not set(VERIFIED) <= set(columns):
        raise DataError(f"{file}: the columns are not {', '.join(VERIFIED)}; fetch the verified labels")
    found: dict[InnerPath, tuple[list[str], list[str]]] = {}
    for where, row in rows:
        image, label, confidence = (row[column] for column in VERIFIED)
        if confidence not in ("0", "1") or not label:
            raise DataError(f"{where}: confidence {confidence!r} of {label!r} is neither 0 nor 1")
        name = _image_name(image, image, where)
        found.setdefault(name, ([], []))[confidence == "0"].append(label)
    for name, (true, false) in found.items():
        yield Listed(str(file), name, Target(tags=tuple(true), negatives=tuple(false)))


def _listed(text: str, file: Path, form: Form) -> list[Listed]:
    listed = []
    for number, line in enumerate(data_lines(text), start=1):
        where = f"{file}:{number}"
        stem, _, behind = line.partition(",")
        target = Target(tags=_tags(behind, form, where))
        listed.append(Listed(where, _image_name(stem, line, where), target))
    refuse_repeats(listed)
    return listed


def _image_name(stem: str, line: str, where: str) -> InnerPath:
    if not stem.strip():
        raise DataError(f"{where}: {line!r} names no image; write `image,tag,tag`")
    name = stem.strip()
    suffix = "" if posixpath.splitext(name)[1].lower() in IMAGE_SUFFIXES else JPEG
    return inner_path(name + suffix, where)


def _tags(behind: str, form: Form, where: str) -> tuple[str | int, ...]:
    """The tags after the name of an image."""
    if form == "indices":
        words = behind.split()
        if not all(word.isascii() and word.isdigit() for word in words):
            raise DataError(
                f"{where}: {behind!r} are no indices; write whole numbers with blanks between them"
            )
        return tuple(map(int, words))
    names = tuple(tag.strip() for tag in behind.split(",")) if behind else ()
    if "" in names:
        raise DataError(f"{where}: an empty tag; remove a comma")
    return names


def _found(root: Path, listed: Sequence[Listed]) -> dict[InnerPath, FoundFile]:
    """The file of each listed image by the name in its line, wherever it is below the root."""
    found = find_files(root, (each.image for each in listed))
    if len(found) < len(listed):
        files = list_files(root)
        counts = Counter(posixpath.basename(file.name) for file in files)
        anywhere = {posixpath.basename(file.name): file for file in files}
        for each in listed:
            base = posixpath.basename(each.image)
            if each.image in found or base not in anywhere:
                continue
            if counts[base] > 1:
                raise DataError(
                    f"{each.where}: {counts[base]} files are called {base} under {root}, none of them at "
                    f"{each.image}; remove all but one"
                )
            found[each.image] = replace(anywhere[base], name=each.image)
    if not found:
        raise SourceMissing(
            f"none of the {len(listed)} images under {root}",
            f"put them there, the first as {listed[0].image}",
        )
    return found
