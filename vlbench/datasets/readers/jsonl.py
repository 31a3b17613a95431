"""The source `jsonl`: images with a `metadata.jsonl` or `metadata.csv`, as in Hugging Face's imagefolder."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from vlbench.core.contracts import Dataset, Place
from vlbench.core.errors import DataError
from vlbench.core.outside_name import InnerPath, inner_path
from vlbench.core.reading import Tally
from vlbench.core.text_file import csv_records, read_text
from vlbench.datasets.readers.annotation import (
    CAPTION_FIELDS,
    NEGATIVE_TAGS,
    UNKNOWN_TAGS,
    names_file,
    offers_beside,
    target_of,
)
from vlbench.datasets.readers.file_listing import names_below
from vlbench.datasets.readers.image_file import IMAGE_SUFFIXES
from vlbench.datasets.readers.listed_images import (
    Listed,
    find_listed,
    listed_dataset,
    one_an_image,
)
from vlbench.datasets.readers.location import locate
from vlbench.datasets.readers.text_records import json_lines

METADATA = "metadata.jsonl"
TABLE = "metadata.csv"
TABLE_SUFFIX = ".csv"
FILE_NAME = "file_name"
LABEL = "label"
READ_FIELDS = frozenset(("label", *CAPTION_FIELDS, "tags", UNKNOWN_TAGS, NEGATIVE_TAGS, "group"))


def jsonl(place: Place, /, *, path: str, metadata: str | None = None) -> Dataset:
    """Images that the lines of a JSON Lines file, or the rows of a CSV, name, in their order.

    A line is an object with `file_name` (relative to the folder of images) and any of `label` (string or
    index), `captions` (a list or a string; also `caption` or `text`), `tags` (a list) and `group`. With tags,
    it may have `unknown_tags`, whose truth is unknown, or `negative_tags`, which are known to be false: then
    all tags in neither list are unknown. Other fields are ignored. A CSV has a column for each field, and no
    tags; its labels are indices if all are numbers. Lines of one image that state a caption each are read as
    one. Names come from a `names.txt` (or
    `classnames.txt`) next to the images, else from the labels or tags, sorted; templates come from a
    `templates.txt`.

    Args:
        place: where to look.
        path: the folder of the images.
        metadata: the file, if it is not `metadata.jsonl` or `metadata.csv` in that folder: a path relative to
            the folder, to a data root or to the card.

    Raises:
        SourceMissing: there is no such folder or file.
        DataError: a line is wrong, or an image is missing; the message names file and line.

    >>> from vlbench.core.small_place import small_place
    >>> with small_place({"metadata.jsonl": '{"file_name": "1.jpg", "label": "cat"}', "1.jpg": b""}) as place:
    ...     dataset = jsonl(place, path=".")
    >>> dataset[0].id, dataset[0].target.label
    ('1.jpg', 'cat')
    """
    if metadata is None:
        root = locate(place, path, wanted=f"{METADATA} or {TABLE}", holds=_has_metadata)
        file = root / METADATA if (root / METADATA).is_file() else root / TABLE
    else:
        root = locate(place, path, wanted="folder of images", holds=Path.is_dir)
        beside = replace(place, roots=(root, *place.roots))
        file = locate(beside, metadata, wanted="metadata file", holds=Path.is_file)
    text = read_text(file)
    tally = Tally(str(file.parent))
    if metadata is None and file.name == METADATA and (root / TABLE).is_file():
        tally.leave_out(f"tables beside {METADATA}", TABLE)
    said: list[Listed] = []
    fields: dict[str, Sequence[str]] = {}
    for where, record in _rows(text, file) if file.suffix == TABLE_SUFFIX else json_lines(text, file):
        if not isinstance(record, dict):
            raise DataError(f'{where}: not a JSON object; write {{"file_name": ...}}')
        said.append(Listed(where, _file_name(record, where), target_of(record, where, tally)))
        fields[said[-1].image] = [each for each in record if each != FILE_NAME]
    if not said:
        raise DataError(f"{file} has no line; add one for each image")
    listed = one_an_image(said)
    there = find_listed(listed, root, place)
    for name in names_below(root):
        if posixpath.splitext(name)[1].lower() in IMAGE_SUFFIXES and name not in fields:
            tally.leave_out(f"images without a line in {file.name}", name)
    stated = dict.fromkeys(each for image in there.images for each in fields[image.image])
    return listed_dataset(
        f"jsonl:{path}",
        there,
        place,
        contents={file.name: [text]},
        offers=offers_beside([root], [each.target for each in listed]),
        labels=_labels(list(stated), file, names_file(root)),
        left_out=tally.left_out,
    )


def _has_metadata(folder: Path) -> bool:
    """Whether a folder has a file that this source reads."""
    return (folder / METADATA).is_file() or (folder / TABLE).is_file()


def _rows(text: str, file: Path) -> Iterator[tuple[str, dict[str, object]]]:
    """The rows of a CSV as records; an empty cell states nothing.

    Raises:
        DataError: a row is wrong, or a column would hold lists.
    """
    columns, rows = csv_records(text, str(file), "correct it")
    if lists := [each for each in columns if each in ("tags", UNKNOWN_TAGS, NEGATIVE_TAGS)]:
        raise DataError(f"{file}: the column {lists[0]!r} has no lists; state tags in a {METADATA}")
    records = list(rows)
    labels = [record.get(LABEL, "") for _, record in records]
    numbered = all(label.isascii() and label.isdigit() for label in labels if label)
    for where, record in records:
        said: dict[str, object] = {name: cell for name, cell in record.items() if cell}
        if numbered and LABEL in said:
            said[LABEL] = int(record[LABEL])
        yield where, said


def _labels(fields: Sequence[str], file: Path, names: Path | None) -> str:
    """A text about the fields that state the truth, and those that are ignored."""
    read = [each for each in fields if each in READ_FIELDS]
    others = [each for each in fields if each not in READ_FIELDS]
    said = f"{', '.join(read) or 'none'} of {file.name}"
    beside = f", names in {names.name}" if names else ""
    return said + beside + (f"; left alone: {', '.join(others)}" if others else "")


def _file_name(record: Mapping[str, object], where: str) -> InnerPath:
    value = record.get(FILE_NAME)
    if value is None:
        others = ", ".join(record) or "nothing"
        apart = "set columns apart by commas, and " if FILE_NAME in others else ""
        raise DataError(
            f"{where}: has no {FILE_NAME}, but {others}; {apart}name the image's relative path so"
        )
    if not isinstance(value, str) or not value:
        raise DataError(f"{where}: file_name {value!r} is no name of an image; give its relative path")
    return inner_path(value, where)
