"""The source `whatsup`: the controlled images of What'sUp, whose file names group the items."""

import posixpath

from vlbench.core.contracts import Dataset, Place
from vlbench.core.errors import DataError
from vlbench.core.item import Item
from vlbench.datasets.layouts.item_json import image_name, read_records
from vlbench.datasets.readers.item_fields import ItemFields, item_of
from vlbench.datasets.readers.item_images import Image, StatedItems, items_with_images
from vlbench.datasets.readers.location import folder_with

IMAGE = "image_path"
CAPTIONS = "caption_options"
_FIELDS = ItemFields(images=[IMAGE], options=CAPTIONS)
_OPPOSITES = (("left", "right"), ("on", "under"), ("in-front", "behind"))


def whatsup(place: Place, /, *, path: str, annotations: str, images: list[str] | None = None) -> Dataset:
    """Images of two objects, each with four captions about where one is; the first caption is true.

    The file is a list of `{image_path, caption_options}` (github.com/amitakamath/whatsup_vlms). In an image's
    file name, `mug_left_of_plate.jpeg`, the second word is the item's label `relation`. The first and last
    words are its `set` of four; together with the relation or its opposite they are its `pair`.

    Args:
        place: where to look.
        path: the folder of the data set.
        annotations: `controlled_images_dataset.json` (A) or `controlled_clevr_dataset.json` (B).
        images: where images are, as for the source `item_json`.

    Raises:
        SourceMissing: there is no such folder or file, or none of the images exists.
        DataError: the file is wrong, a file name has no relation, or an image is missing.

    >>> from vlbench.core.small_place import small_place
    >>> image = "a/mug_left_of_plate.jpeg"
    >>> said = f'[{{"image_path": "{image}", "caption_options": ["left", "right", "on", "under"]}}]'
    >>> with small_place({"a.json": said, image: b""}) as place:
    ...     item = whatsup(place, path=".", annotations="a.json").offers.items[0]
    >>> item.right, item.labels["relation"]
    (((0, 0),), 'left')
    """
    folder = folder_with(place, path, annotations)
    file = folder / annotations
    stated: list[tuple[Item, tuple[Image, ...]]] = []
    for key, record in read_records(file):
        where = f"{file}: item {key}"
        image = image_name(record, IMAGE, where)
        item = item_of(record, _FIELDS, key, where)
        labels = _labels(image, where)
        stated.append((Item(key, item.images, item.texts, item.right, labels), ((image, None),)))
    said = StatedItems(file, f"{CAPTIONS} of {file.name}, sets and pairs of file names", stated)
    return items_with_images(f"whatsup:{path}", said, images or ["."], folder, place)


def _labels(image: str, where: str) -> dict[str, str]:
    words = posixpath.splitext(posixpath.basename(image))[0].split("_")
    opposites = [each for each in _OPPOSITES if len(words) > 2 and words[1] in each]
    if not opposites:
        raise DataError(
            f"{where}: the name of {image!r} says no relation; keep the set's names, OBJECT_RELATION_OBJECT"
        )
    of_four = f"{words[0]}_{words[-1]}"
    return {"relation": words[1], "set": of_four, "pair": f"{of_four} {' '.join(opposites[0])}"}
