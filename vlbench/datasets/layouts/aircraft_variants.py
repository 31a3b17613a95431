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

    The folder holds `variants.txt` (a name a line, in the order of the labels),
    `images_variant_SPLIT.txt` (an image's number and its variant a line) and `images/NUMBER.jpg`:
    the folder `data` of the authors' archive fgvc-aircraft-2013b.

    Args:
        place: where to look.
        path: that folder.
        split: `train`, `val`, `trainval` or `test`.

    Raises:
        SourceMissing: no such folder.
        DataError: a line that is wrong, or an image that does not lie there; file and line are named.
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
