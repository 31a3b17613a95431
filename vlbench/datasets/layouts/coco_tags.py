"""The source `coco_tags`: images of COCO with the categories of their objects as tags."""

import json
from pathlib import Path
from typing import Literal

from vlbench.core.contracts import Dataset, Offers, Place, Target, Text
from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError
from vlbench.core.files import file_state, remembered
from vlbench.core.reading import Reading, Tally
from vlbench.datasets.readers.absent_images import those_there
from vlbench.datasets.readers.annotation import read_text
from vlbench.datasets.readers.file_listing import find_files, revision_of
from vlbench.datasets.readers.image_file import file_examples
from vlbench.datasets.readers.location import locate

Split = Literal["train2014", "val2014", "train2017", "val2017"]


def coco_tags(
    place: Place, /, *, path: str, split: Split = "val2014", unlabelled: Literal["kept", "left out"] = "kept"
) -> Dataset:
    """Images of COCO in the order of their ids; the names of the categories of their objects are tags.

    The folder holds `annotations/instances_SPLIT.json` and the images in `SPLIT/` (or in
    `images/SPLIT/`), as cocodataset.org has them. A crowd counts as an object. Categories are
    offered in the order of their ids, which are the ids `coco`.

    Args:
        place: where to look.
        path: that folder.
        split: `val2014`, `val2017`, `train2014` or `train2017`.
        unlabelled: whether images without an object are `kept` or `left out`.

    Raises:
        SourceMissing: no such folder.
        DataError: a file that is wrong, or an image that does not lie there.
    """
    relative = f"annotations/instances_{split}.json"
    folder = locate(place, path, wanted=relative, holds=lambda each: (each / relative).is_file())
    file = folder / relative
    # outlines of the objects make the file a hundred times as large as what is wanted of it
    key = f"coco tags|{file_state(file)}"
    text = remembered(key, place.cache, lambda: json.dumps(_essence(read_text(file), file)))
    essence = json.loads(text)
    names: dict[str, str] = essence["names"]
    tags: dict[str, list[str]] = {
        image: [names[each] for each in found]
        for image, found in essence["images"]
        if found or unlabelled == "kept"
    }
    root = next(
        (each for each in (folder / split, folder / "images" / split) if each.is_dir()), folder / split
    )
    files = find_files(root, tags)
    listed = list(tags)
    there = those_there(listed, files, place, lambda i: f"{file}: image {root / listed[i]}")
    kept = [listed[i] for i in there.positions]
    tally = Tally()
    for image, _ in essence["images"]:
        if image not in tags:
            tally.leave_out("images without an object", image)
    return Dataset(
        name=f"coco_tags:{path}",
        revision=revision_of(
            tuple(files.values()), place, contents=[(file.name, digest_of_strings([text, unlabelled]))]
        ),
        offers=Offers(names=tuple(Text(name, ids={"coco": number}) for number, name in names.items())),
        examples=file_examples(
            tuple(files[image] for image in kept), tuple(Target(tags=tuple(tags[image])) for image in kept)
        ),
        reading=Reading("coco_tags", f"objects of {file.name}", tally.left_out, lacks=there.lacks),
    )


def _essence(text: str, file: Path) -> dict[str, object]:
    """Names of the categories by id, and the categories of each image's objects, in the order of the ids."""
    try:
        record = json.loads(text)
        names = {int(each["id"]): str(each["name"]) for each in record["categories"]}
        images = {int(each["id"]): str(each["file_name"]) for each in record["images"]}
        found: dict[int, set[int]] = {image: set() for image in images}
        for each in record["annotations"]:
            found[each["image_id"]].add(each["category_id"])
            names[each["category_id"]]
    except (ValueError, KeyError, TypeError) as error:
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
