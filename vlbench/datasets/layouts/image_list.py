"""The source `image_list`: a text file that lists the images of a split, and labels that go with it."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vlbench.core.contracts import Dataset, Offers, Place, Target
from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError
from vlbench.core.reading import Reading
from vlbench.datasets.readers.absent_images import those_there
from vlbench.datasets.readers.annotation import lines_of, names_of, read_text
from vlbench.datasets.readers.file_listing import find_files, revision_of
from vlbench.datasets.readers.image_file import file_examples
from vlbench.datasets.readers.inner_path import inner_path
from vlbench.datasets.readers.location import locate

COMMENT = "#"


@dataclass(frozen=True, slots=True)
class Labels:
    """Where a line's label is: the image's folder, or a column that counts from 1, less `first`."""

    kind: Literal["folder", "column"]
    column: int
    first: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the list: where it stands, the image it names, its label."""

    where: str
    image: str
    label: str | int


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
    """Images in the order of a text file that lists them, one a line, in columns set apart by blanks.

    The first column is the image's path; lines that begin with `#` are none. So come DTD
    (`labels/test1.txt`), Food-101 (`meta/test.txt`), Oxford-IIIT Pets (`annotations/test.txt`) and SUN397
    (`Testing_01.txt`).

    Args:
        place: where to look.
        path: the folder of the data set.
        list: the text file in it.
        images: the folder in it that the paths start from; a leading `/` of a path is cut.
        suffix: what the paths lack, such as `.jpg`.
        label: `folder` for the path of the image's folder (`banded`, `a/abbey`), which are the names
            offered; `column` for a whole number.
        column: that number's column, the image's being 1.
        first: the number of the first class.

    Raises:
        SourceMissing: no such folder or file.
        DataError: a line that is wrong, or an image that does not lie there; file and line are named.
    """
    folder = locate(place, path, wanted=list, holds=lambda each: (each / list).is_file())
    file = folder / list
    text = read_text(file)
    lines = tuple(_lines(text, file, suffix, Labels(label, column, first)))
    if not lines:
        raise DataError(f"{file} has no line; fetch it again")
    if len({line.image for line in lines}) < len(lines):
        raise DataError(f"{file}: an image stands twice; fetch it again")
    root = (folder / images).resolve()
    found = find_files(root, (line.image for line in lines))
    there = those_there(
        [line.image for line in lines],
        found,
        place,
        lambda i: f"{lines[i].where}: image {root / lines[i].image}",
    )
    targets = {value: Target(label=value) for value in dict.fromkeys(line.label for line in lines)}
    kept = [lines[i] for i in there.positions]
    files = tuple(found[line.image] for line in kept)
    return Dataset(
        name=f"image_list:{path}",
        revision=revision_of(files, place, contents=[(Path(list).name, digest_of_strings([text]))]),
        offers=Offers(names=names_of(targets.values())),
        examples=file_examples(files, tuple(targets[line.label] for line in kept)),
        reading=Reading(
            layout="image_list",
            labels=f"{'folders' if label == 'folder' else f'column {column}'} of {list}",
            lacks=there.lacks,
        ),
    )


def _lines(text: str, file: Path, suffix: str, labels: Labels) -> Iterator[Line]:
    for number, line in enumerate(lines_of(text), start=1):
        columns = line.split()
        if not columns or line.startswith(COMMENT):
            continue
        where = f"{file}:{number}"
        image = inner_path(columns[0].lstrip("/") + suffix, where)
        if labels.kind == "folder":
            label: str | int = posixpath.dirname(image)
            if not label:
                raise DataError(
                    f"{where}: {image} lies in no folder, which would be its label; name a column"
                )
        else:
            label = _number(columns, labels, where)
        yield Line(where, image, label)


def _number(columns: "list[str]", labels: Labels, where: str) -> int:
    word = columns[labels.column - 1] if 0 < labels.column <= len(columns) else ""
    if not (word.isascii() and word.isdigit() and int(word) >= labels.first):
        raise DataError(
            f"{where}: column {labels.column} is {word!r}, no number from {labels.first} on; correct the card"
        )
    return int(word) - labels.first
