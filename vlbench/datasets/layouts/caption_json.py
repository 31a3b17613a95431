"""The source `caption_json`: images and captions from a JSON file in the form of Karpathy, COCO or BLIP."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

from vlbench.core.contracts import Dataset, Place
from vlbench.core.errors import DataError
from vlbench.core.files import file_state, remembered
from vlbench.core.json_text import parsed_json
from vlbench.core.reading import LeftOut, Tally
from vlbench.core.text_file import read_json
from vlbench.datasets.readers.captions import Caption, captioned_images, stated_caption
from vlbench.datasets.readers.location import folder_with

WITHOUT = "images without a caption"
DEFAULT_SPLIT = "test"


def caption_json(
    place: Place,
    /,
    *,
    path: str,
    annotations: str,
    images: list[str] | None = None,
    split: str | None = None,
) -> Dataset:
    """Images and their captions from a JSON file, whose form is recognised by its fields.

    The forms are Karpathy's `{images: [{filename, filepath, split, sentences: [{raw}]}]}`
    (cs.stanford.edu/people/karpathy/deepimagesent), COCO's `{images: [{id, file_name}], annotations:
    [{image_id, caption}]}`, in the order of the ids (`coco_test_karpathy.json`), and BLIP's list `[{image,
    caption}]`, where `caption` may be a list.

    Args:
        place: where to look.
        path: the folder of the data set.
        annotations: its JSON file.
        images: folders that the names of images are relative to, in that folder or under a data root; the
            first one that has an image is used. By default the folder itself.
        split: which images to use, where they have a split; by default `test` where there are several.

    Raises:
        SourceMissing: there is no such folder or file, or none of the images exists.
        DataError: the file has another form, or an image is missing.

    >>> from vlbench.core.small_place import small_place
    >>> files = {"test.json": '[{"image": "1.jpg", "caption": ["a dog", "a mat"]}]', "1.jpg": b""}
    >>> with small_place(files) as place:
    ...     dataset = caption_json(place, path=".", annotations="test.json")
    >>> dataset[0].target.captions
    ('a dog', 'a mat')
    """
    folder = folder_with(place, path, annotations)
    file = folder / annotations
    # Karpathy's file of COCO is a hundred times as large as the captions of its test split
    key = f"caption json, its split and what is left out|{split}|{file_state(file)}"
    lines, left_out, split = parsed_json(remembered(key, place.cache, lambda: _essence(file, split)))
    tally = Tally(str(folder))
    tally.add(LeftOut(*each) for each in left_out)
    return captioned_images(
        f"caption_json:{path}",
        lines,
        place,
        folder=folder,
        images=images or ["."],
        file=file.name if split is None else f"{file.name}, {split}",
        tally=tally,
    )


def _essence(file: Path, split: str | None) -> str:
    """What a run reads of a file, as JSON: its captions, what is left out, and the split."""
    tally = Tally()
    record = read_json(file)
    if split is None and isinstance(record, dict) and "annotations" not in record:
        split = _only_split(record)
    lines = list(_lines(record, file, split, tally))
    return json.dumps([lines, list(map(astuple, tally.left_out)), split], ensure_ascii=False)


def _only_split(record: Mapping[str, Any]) -> str | None:
    """The split of Karpathy's images that is meant where none is stated; None where that is not clear."""
    images = record.get("images")
    known = (
        {each.get("split") for each in images if isinstance(each, dict)} if isinstance(images, list) else {}
    )
    return DEFAULT_SPLIT if DEFAULT_SPLIT in known else None


def _lines(record: Any, file: Path, split: str | None, tally: Tally) -> Iterator[Caption]:
    try:
        if isinstance(record, list):
            yield from _listed(record, file, tally)
        elif "annotations" in record:
            yield from _coco(record, file, tally)
        else:
            yield from _karpathy(record, file, split, tally)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise DataError(
            f"{file}: neither Karpathy's, COCO's nor BLIP's captions ({type(error).__name__}: {error}); "
            "fetch it again"
        ) from error


def _karpathy(record: Mapping[str, Any], file: Path, split: str | None, tally: Tally) -> Iterator[Caption]:
    splits = {str(each["split"]) for each in record["images"]}
    if split not in splits:
        wanted = DEFAULT_SPLIT if split is None else split
        raise DataError(f"{file}: no image of the split {wanted!r}; there is {', '.join(sorted(splits))}")
    for number, each in enumerate(record["images"]):
        if each["split"] != split:
            continue
        image = "/".join(part for part in (each.get("filepath", ""), each["filename"]) if part)
        if not each["sentences"]:
            tally.leave_out(WITHOUT, image)
        for sentence in each["sentences"]:
            yield f"{file}: images[{number}]", image, stated_caption(sentence["raw"])


def _coco(record: Mapping[str, Any], file: Path, tally: Tally) -> Iterator[Caption]:
    captions: dict[int, list[str]] = {}
    for each in record["annotations"]:
        captions.setdefault(each["image_id"], []).append(stated_caption(each["caption"]))
    for each in sorted(record["images"], key=lambda image: int(image["id"])):
        own = captions.pop(each["id"], ())
        if not own:
            tally.leave_out(WITHOUT, str(each["file_name"]))
        for caption in own:
            yield f"{file}: image {each['id']}", str(each["file_name"]), caption
    for number, own in captions.items():
        tally.leave_out("captions of images that are not listed", f"image {number}", len(own))


def _listed(record: list[Any], file: Path, tally: Tally) -> Iterator[Caption]:
    for number, each in enumerate(record):
        own = each["caption"]
        if own == []:
            tally.leave_out(WITHOUT, str(each["image"]))
        for caption in own if isinstance(own, list) else [own]:
            yield f"{file}: [{number}]", str(each["image"]), stated_caption(caption)
