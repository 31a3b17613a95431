"""The items of data in memory: rows of a `datasets.Dataset`, or what a list or a data set of torch holds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from operator import index as as_integer
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image

from vlbench.core.contracts import Example, Target, Text
from vlbench.core.errors import DataError
from vlbench.core.reading import Tally
from vlbench.datasets.memory.held import Truth
from vlbench.datasets.readers.annotation import target_of, text_of
from vlbench.datasets.readers.image_file import open_image_bytes, open_image_file
from vlbench.datasets.readers.parquet_columns import ColumnChoice, class_names, find_columns, target_of_row

_PICTURES = Lock()
"""Held while a user's object makes a picture: loader threads ask for several at once."""


@dataclass(frozen=True, slots=True)
class HeldItems:
    """How the items of data are read: `read(i)` gives the one at a position, image and truth of one access.

    `names` are the classes or tags that the data name themselves, `labels` says where the truth comes from,
    `remark` what is not used.
    """

    read: Callable[[int], Example]
    labels: str
    names: tuple[Text, ...] = ()
    remark: str = ""


def items_of(data: Any, truth: Truth | None, tally: Tally) -> HeldItems:
    """How the items of data are read.

    Raises:
        DataError: there is no column of images.
    """
    if type(data).__module__.partition(".")[0] == "datasets":
        return _rows(data, tally)
    listed = getattr(data, "classes", ())
    named = isinstance(listed, list | tuple) and all(isinstance(each, str) for each in listed)
    return HeldItems(
        read=partial(_item, data, truth, tally),
        labels=f"the items of a {type(data).__name__}",
        names=tuple(map(text_of, listed)) if named else (),
    )


def _rows(data: Any, tally: Tally) -> HeldItems:
    """The rows of a `datasets.Dataset`: encoded images and columns of usual names, as in parquet files."""
    transformed = data.format["type"] == "custom"
    table = data.with_format("arrow")
    schema = data.features.arrow_schema
    if getattr(data.features.get("image"), "dtype", "") == "string":
        raise DataError("column image holds text; data.cast_column('image', datasets.Image()) opens paths")
    found = find_columns(schema, ColumnChoice(), "the rows")
    image = found.leaf.partition(".")[0]
    annotations = table.select_columns(list(found.said))[:].to_pylist() if found.said else [{}] * len(data)

    picture = partial(_picture_of_row, table.select_columns([image]), image)

    def read(index: int) -> Example:
        target = target_of_row(annotations[index], found, "all", f"row {index}", tally)
        return Example(str(index), partial(picture, index), target)

    return HeldItems(
        read=read,
        labels=f"columns {', '.join(found.said) or 'none'}",
        names=class_names(schema, found, "data in memory"),
        remark="the data set's own transform is not applied" if transformed else "",
    )


def _item(data: Any, truth: Truth | None, tally: Tally, index: int) -> Example:
    """The item at a position: its image, opened, and its truth."""
    with _PICTURES:
        record = _record(data, truth, index)
        target = _target(record, index, tally)
        if "image" not in record:
            raise DataError(f"item {index} has {', '.join(record)} and no image; name it `image`")
        picture = picture_of(record["image"], f"item {index}")
    return Example(str(index), lambda: picture, target)


def _record(data: Any, truth: Truth | None, index: int) -> Mapping[str, Any]:
    """The item at a position, as a mapping of fields."""
    item = data.iloc[index].to_dict() if hasattr(data, "iloc") else data[index]  # a row of a pandas frame
    if isinstance(item, Mapping):
        return item
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise DataError(
            f"item {index} is a {type(item).__name__}; give pairs of an image and its truth, or mappings "
            "with image and label, captions or tags"
        )
    image, stated = item
    stated = _plain(stated)
    if truth is None and isinstance(stated, list) and any(isinstance(each, str) for each in stated):
        raise DataError(
            f"item {index} has a list of words: say which they are, "
            "vlbench.data(data, truth='captions') or truth='tags'"
        )
    return {"image": image, truth or ("tags" if isinstance(stated, list) else "label"): stated}


def _plain(value: Any) -> Any:
    """A truth without the types of numpy and torch: a string, an integer, or a list of these."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, tuple | set | frozenset | list):
        return [_plain(each) for each in (sorted(value) if isinstance(value, set | frozenset) else value)]
    return as_integer(value) if hasattr(value, "__index__") else value


def _target(record: Mapping[str, Any], index: int, tally: Tally) -> Target:
    plain = {name: _plain(value) for name, value in record.items() if name != "image"}
    return target_of(plain, f"item {index}", tally)


def picture_of(image: Any, where: str) -> Image.Image:
    """A user's image as one of the engine's own; of a file, the file's bytes. `where` names it in errors.

    Raises:
        DataError: it is no image, or its file cannot be read.
    """
    if isinstance(image, str | Path):
        return open_image_file(str(image))
    if isinstance(image, bytes):
        return open_image_bytes(image, where)
    if isinstance(image, Image.Image):
        found = image.copy()  # what it was opened from may differ from what it holds now
    elif isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.shape[2:] in ((), (3,)):
        found = Image.fromarray(image.copy())
    else:
        raise DataError(
            f"{where} is a {type(image).__name__}; give a picture of Pillow, a path, bytes or an array "
            "[h, w, 3] of uint8, and leave out a transform that makes tensors"
        )
    if 0 in found.size:
        raise DataError(f"{where} is an image without a pixel; leave it out")
    return found


def _picture_of_row(table: Any, column: str, index: int) -> Image.Image:
    found = table[index].column(column)[0].as_py()
    encoded, path = (found.get("bytes"), found.get("path")) if isinstance(found, dict) else (found, None)
    if encoded is not None:
        return open_image_bytes(encoded, f"row {index}")
    if path is None:
        raise DataError(f"row {index} holds no image; leave it out")
    return open_image_file(path)
