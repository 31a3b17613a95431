"""The source `image_list`: a text file that lists the images of a split, with labels."""

import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from vlbench.core.contracts import Dataset, Offers, Place, Target
from vlbench.core.errors import CardError, DataError
from vlbench.core.outside_name import inner_folder, inner_path
from vlbench.core.reading import short
from vlbench.core.text_file import read_text
from vlbench.core.whole_number import whole_number
from vlbench.datasets.readers.annotation import names_of
from vlbench.datasets.readers.listed_images import (
    Listed,
    find_listed,
    listed_dataset,
    refuse_repeats,
)
from vlbench.datasets.readers.location import folder_with
from vlbench.datasets.readers.text_records import data_lines

COMMENT = "#"


def image_list(
    place: Place,
    /,
    *,
    path: str,
    list: str,  # noqa: A002 - the word on the cards
    images: str = ".",
    suffix: str = "",
    label: Literal["folder", "column"] = "folder",
    column: int = 2,
    first: int = 0,
) -> Dataset:
    """Images in the order of a text file with one image per line, in columns separated by blanks.

    The first column is the image's path; lines that begin with `#` are skipped. DTD (`labels/test1.txt`),
    Food-101 (`meta/test.txt`), Oxford-IIIT Pets (`annotations/test.txt`) and SUN397 (`Testing_01.txt`) have
    this form.

    Args:
        place: where to look.
        path: the folder of the data set.
        list: its text file.
        images: its sub-folder that the paths are relative to; a leading `/` of a path is removed.
        suffix: what to add to the paths, such as `.jpg`.
        label: `folder` for the path of the image's folder (`banded`, `a/abbey`), which are then the names
            offered; `column` for an integer.
        column: the column of that integer; the image is in column 1.
        first: the number of the first class.

    Raises:
        SourceMissing: there is no such folder or file.
        DataError: a line is wrong, or an image is missing; the message names file and line.

    >>> from vlbench.core.small_place import small_place
    >>> with small_place({"test.txt": "banded/1.jpg", "images/banded/1.jpg": b""}) as place:
    ...     dataset = image_list(place, path=".", list="test.txt", images="images")
    >>> dataset[0].id, dataset[0].target.label
    ('banded/1.jpg', 'banded')
    """
    folder = folder_with(place, path, list)
    file = folder / list
    root = folder / inner_folder(images, f"source image_list:{path}: images", CardError)
    text = read_text(file)
    listed = tuple(_listed(text, file, suffix, None if label == "folder" else column, first))
    if not listed:
        raise DataError(f"{file} has no line; fetch it again")
    refuse_repeats(listed)
    return listed_dataset(
        f"image_list:{path}",
        find_listed(listed, root.resolve(), place),
        place,
        contents={file.name: [text]},
        offers=Offers(names=names_of(each.target for each in listed)),
        labels=f"{'folders' if label == 'folder' else f'column {column}'} of {list}",
    )


def _listed(text: str, file: Path, suffix: str, column: int | None, first: int) -> Iterator[Listed]:
    targets: dict[str | int, Target] = {}
    for number, line in enumerate(data_lines(text), start=1):
        columns = line.split()
        if not columns or line.startswith(COMMENT):
            continue
        where = f"{file}:{number}"
        image = inner_path(columns[0].lstrip("/") + suffix, where)
        label = posixpath.dirname(image) if column is None else _number(columns, column, first, where)
        if label == "":
            raise DataError(f"{where}: {image} lies in no folder, which would be its label; name a column")
        yield Listed(where, image, targets.setdefault(label, Target(label=label)))


def _number(columns: "list[str]", column: int, first: int, where: str) -> int:
    word = columns[column - 1] if 0 < column <= len(columns) else ""
    number = whole_number(word)
    if number is None or number < first:
        raise DataError(
            f"{where}: column {column} is {short(word)!r}, no number from {first} on; correct the card"
        )
    return number - first
