"""The source `item_json`: items of images and texts, from the records of a JSON or JSON Lines file."""

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
    """Items from a JSON file: an object of records, a list of them, or one record per line (`.jsonl`).

    A record is an object, or a list whose fields are named by position. The id of an item is its key in the
    object, or its position.

    Args:
        place: where to look.
        path: the folder of the data set.
        annotations: its JSON file.
        items: which fields hold the images, texts and labels of an item.
        images: where images are, tried in order, in that folder and then under the data roots: folders, or
            paths in which `{}` is replaced by an image's name, `{name}` by the last part of the name and
            `{:012}` by a number with twelve digits.

    Raises:
        SourceMissing: there is no such folder or file, or none of the images exists.
        DataError: the file is wrong, or an image is missing; the message names file and record.

    >>> from vlbench.core.small_place import small_place
    >>> said = '[{"filename": "1.jpg", "caption": "a dog", "negative_caption": "a cat"}]'
    >>> with small_place({"replace.json": said, "1.jpg": b""}) as place:
    ...     fields = ItemFields(images=["filename"], right=["caption"], wrong=["negative_caption"])
    ...     dataset = item_json(place, path=".", annotations="replace.json", items=fields)
    >>> dataset.offers.items[0].texts, dataset.offers.items[0].right
    (('a dog', 'a cat'), ((0, 0),))
    """
    folder = folder_with(place, path, annotations)
    file = folder / annotations
    tally = Tally(str(folder))
    stated = list(_items(file, items, tally))
    labels = f"{', '.join(map(str, items.texts))} of {file.name}"
    said = StatedItems(file, labels, stated, tally)
    return items_with_images(f"item_json:{path}", said, images or ["."], folder, place)


def read_records(file: Path) -> Iterator[tuple[str, object]]:
    """The records of a JSON or JSON Lines file, with their keys or positions.

    Raises:
        DataError: it is not JSON, or neither an object nor a list.
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
    """The name or number of an image in a record.

    Raises:
        DataError: the record has none.
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
