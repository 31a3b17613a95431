"""The source `coco_tags`: images of COCO; the categories of their objects are tags."""

import json
from operator import index
from pathlib import Path
from typing import Literal

from vlbench.core.contracts import Dataset, Offers, Place, Target, Text
from vlbench.core.errors import DataError
from vlbench.core.files import file_state, remembered
from vlbench.core.json_text import parsed_json
from vlbench.core.outside_name import inner_path
from vlbench.core.reading import Tally
from vlbench.core.text_file import read_json
from vlbench.datasets.readers.listed_images import Listed, find_listed, listed_dataset
from vlbench.datasets.readers.location import folder_with

Split = Literal["train2014", "val2014", "train2017", "val2017"]


def coco_tags(
    place: Place, /, *, path: str, split: Split = "val2014", unlabelled: Literal["kept", "left out"] = "kept"
) -> Dataset:
    """Images of COCO in the order of their ids; the names of their objects' categories are tags.

    The folder has `annotations/instances_SPLIT.json` and images in `SPLIT/` or `images/SPLIT/`, as published
    on cocodataset.org. A crowd counts as an object. Categories are offered in the order of their ids, which
    are the ids `coco`.

    Args:
        place: where to look.
        path: that folder.
        split: `val2014`, `val2017`, `train2014` or `train2017`.
        unlabelled: whether images without an object are `kept` or `left out`.

    Raises:
        SourceMissing: there is no such folder.
        DataError: a file is wrong, or an image is missing.

    >>> from vlbench.core.small_place import small_place
    >>> said = {
    ...     "images": [{"id": 7, "file_name": "7.jpg"}],
    ...     "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}],
    ...     "annotations": [{"image_id": 7, "category_id": 18}],
    ... }
    >>> files = {"annotations/instances_val2017.json": json.dumps(said), "val2017/7.jpg": b""}
    >>> with small_place(files) as place:
    ...     dataset = coco_tags(place, path=".", split="val2017")
    >>> dataset[0].target.tags, [text.name for text in dataset.offers.names]
    (('dog',), ['person', 'dog'])
    """
    relative = f"annotations/instances_{split}.json"
    folder = folder_with(place, path, relative)
    file = folder / relative
    # outlines of the objects make the file a hundred times as large as what is wanted of it
    key = f"coco tags|{file_state(file)}"
    text = remembered(key, place.cache, lambda: json.dumps(_essence(file)))
    essence = parsed_json(text)
    names: dict[str, str] = essence["names"]
    tally = Tally()
    listed = []
    for name, found in essence["images"]:
        image = inner_path(name, str(file))
        if found or unlabelled == "kept":
            listed.append(Listed(str(file), image, Target(tags=tuple(names[each] for each in found))))
        else:
            tally.leave_out("images without an object", image)
    roots = (folder / split, folder / "images" / split)
    root = next((each for each in roots if each.is_dir()), roots[0])
    return listed_dataset(
        f"coco_tags:{path}",
        find_listed(listed, root, place),
        place,
        contents={file.name: [text, unlabelled]},
        offers=Offers(names=tuple(Text(name, ids={"coco": number}) for number, name in names.items())),
        labels=f"objects of {file.name}",
        left_out=tally.left_out,
    )


def _essence(file: Path) -> dict[str, object]:
    """The names of categories by id, and the categories of each image's objects, in the order of the ids."""
    record = read_json(file)
    try:
        names = {int(each["id"]): str(each["name"]) for each in record["categories"]}
        images = {int(each["id"]): str(each["file_name"]) for each in record["images"]}
        found: dict[int, set[int]] = {image: set() for image in images}
        for each in record["annotations"]:
            category = int(index(each["category_id"]))
            names[category]
            found[each["image_id"]].add(category)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise DataError(
            f"{file}: no instances of COCO ({type(error).__name__}: {error}); fetch the annotations again"
        ) from error
    if len(set(images.values())) < len(images):
        raise DataError(f"{file}: two images have one file name; fetch the annotations again")
    return {
        "names": {str(number): names[number] for number in sorted(names)},
        "images": [
            [images[image], [str(category) for category in sorted(found[image])]] for image in sorted(images)
        ],
    }
