"""The source `item_json`: items of images and texts by the records of a JSON or JSON Lines file."""

from collections.abc import Iterator
from pathlib import Path

from vlbench.core.contracts import Dataset, Place
from vlbench.core.errors import DataError
from vlbench.core.item import Item
from vlbench.core.json_text import parsed_json
from vlbench.core.reading import Tally
from vlbench.core.text_file import read_text
from vlbench.datasets.readers.item_fields import ItemFields, box_of, item_of, too_little, value_of
from vlbench.datasets.readers.item_images import Image, StatedItems, items_with_images
from vlbench.datasets.readers.location import folder_with
from vlbench.datasets.readers.text_records import json_lines


def item_json(
    place: Place, /, *, path: str, annotations: str, items: ItemFields, images: list[str] | None = None
) -> Dataset:
    """Items by a JSON file: an object of records, a list of them, or a record a line (`.jsonl`).

    A record is an object, or a list whose fields are named by their positions. An item's id is its key in the
    object, or its position.

    Args:
        place: where to look.
        path: the folder of the data set.
        annotations: the file in it.
        items: which fields hold an item's images, its texts and its labels.
        images: where images lie, tried in order, in that folder and then under the data roots: folders, or
            paths in which `{}` stands for an image's stated name, `{name}` for the last part of it and
            `{:012}` for a number of twelve digits.

    Raises:
        SourceMissing: no such folder or file, or none of the images.
        DataError: the file is wrong, or an image does not lie there; file and record are named.
    """
    folder = folder_with(place, path, annotations)
    file = folder / annotations
    tally = Tally(str(folder))
    stated = list(_items(file, items, tally))
    labels = f"{', '.join(map(str, items.texts))} of {file.name}"
    said = StatedItems(file, labels, stated, tally)
    return items_with_images(f"item_json:{path}", said, images or ["."], folder, place)


def read_records(file: Path) -> Iterator[tuple[str, object]]:
    """The records of a JSON or JSON Lines file with their keys, or positions.

    Raises:
        DataError: it is no JSON, or neither an object nor a list.
    """
    text = read_text(file)
    if file.suffix == ".jsonl":
        record: object = [each for _, each in json_lines(text, file)]
    else:
        record = parsed_json(text, str(file), "correct it, or fetch it again")
    if isinstance(record, dict):
        yield from ((str(key), each) for key, each in record.items())
    elif isinstance(record, list):
        yield from ((str(place), each) for place, each in enumerate(record))
    else:
        raise DataError(f"{file} holds neither an object of records nor a list of them; fetch it again")


def image_name(record: object, key: str | int, where: str) -> str:
    """The name, or the number, of an image as a record states it.

    Raises:
        DataError: there is none.
    """
    value = value_of(record, key, where)
    if not isinstance(value, str | int) or not str(value):
        raise DataError(f"{where}: {key} {value!r} names no image; fetch the file again")
    return str(value)


def _items(file: Path, fields: ItemFields, tally: Tally) -> Iterator[tuple[Item, tuple[Image, ...]]]:
    for key, record in read_records(file):
        where = f"{file}: item {key}"
        why = too_little(record, fields, where)
        if why:
            tally.leave_out(why, where)
            continue
        box = box_of(record, fields, where)
        images = tuple((image_name(record, each, where), box) for each in fields.images)
        yield item_of(record, fields, key, where), images
