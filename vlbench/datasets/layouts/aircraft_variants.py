"""The source `aircraft_variants`: FGVC Aircraft as its authors' archive has it, labelled by variant."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from vlbench.core.contracts import Dataset, Offers, Place, Target, Text
from vlbench.core.errors import DataError, UnknownName
from vlbench.core.outside_name import inner_path
from vlbench.core.text_file import read_text
from vlbench.datasets.readers.listed_images import Listed, find_listed, listed_dataset
from vlbench.datasets.readers.location import folder_with
from vlbench.datasets.readers.text_records import data_lines

VARIANTS = "variants.txt"
IMAGES = "images"
SUFFIX = ".jpg"


def aircraft_variants(
    place: Place, /, *, path: str, split: Literal["train", "val", "trainval", "test"] = "test"
) -> Dataset:
    """Images of FGVC Aircraft in the order of a split's list, labelled by their variant.

    The folder has `variants.txt` (one name per line, in the order of the labels), `images_variant_SPLIT.txt`
    (per line, the number of an image and its variant) and `images/NUMBER.jpg`. It is the folder `data` of the
    authors' archive fgvc-aircraft-2013b.

    Args:
        place: where to look.
        path: that folder.
        split: `train`, `val`, `trainval` or `test`.

    Raises:
        SourceMissing: there is no such folder.
        DataError: a line is wrong, or an image is missing; the message names file and line.

    >>> from vlbench.core.small_place import small_place
    >>> files = {"variants.txt": "707-320", "images_variant_test.txt": "012 707-320", "images/012.jpg": b""}
    >>> with small_place(files) as place:
    ...     dataset = aircraft_variants(place, path=".")
    >>> dataset[0].id, dataset[0].target.label, dataset.offers.names[0].name
    ('012.jpg', 0, '707-320')
    """
    folder = folder_with(place, path, VARIANTS)
    file = folder / f"images_variant_{split}.txt"
    texts = {each.name: read_text(each) for each in (folder / VARIANTS, file)}
    names = [line.strip() for line in data_lines(texts[VARIANTS])]
    targets = {name: Target(label=label) for label, name in enumerate(names)}
    listed = list(_listed(texts[file.name], file, targets))
    if not listed:
        raise DataError(f"{file} has no line; unpack the archive again")
    return listed_dataset(
        f"aircraft_variants:{path}",
        find_listed(listed, folder / IMAGES, place),
        place,
        contents={name: [text] for name, text in texts.items()},
        offers=Offers(names=tuple(Text(name=name) for name in names)),
        labels=f"variants of {file.name}",
    )


def _listed(text: str, file: Path, targets: Mapping[str, Target]) -> Iterator[Listed]:
    for number, line in enumerate(data_lines(text), start=1):
        where = f"{file}:{number}"
        image, _, variant = line.strip().partition(" ")
        if not image.isalnum() or not variant:
            raise DataError(f"{where}: {line!r} is no image number and variant; correct the line")
        if variant not in targets:
            raise UnknownName("variant", variant, targets, advice=f"{where} carries it; correct the line")
        yield Listed(where, inner_path(f"{image}{SUFFIX}", where), targets[variant])
