"""The source `aircraft_variants`: FGVC Aircraft as its authors' archive has it, labelled by variant."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vlbench.core.contracts import Dataset, Offers, Place, Target, Text
from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError, UnknownName
from vlbench.core.reading import Reading
from vlbench.datasets.readers.absent_images import those_there
from vlbench.datasets.readers.annotation import lines_of, read_text
from vlbench.datasets.readers.file_listing import find_files, revision_of
from vlbench.datasets.readers.image_file import file_examples
from vlbench.datasets.readers.location import locate

VARIANTS = "variants.txt"
IMAGES = "images"
SUFFIX = ".jpg"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list of images: where it stands, the file it names, its variant's position."""

    where: str
    image: str
    label: int


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
    folder = locate(place, path, wanted=VARIANTS, holds=lambda each: (each / VARIANTS).is_file())
    file = folder / f"images_variant_{split}.txt"
    texts = {each: read_text(each) for each in (folder / VARIANTS, file)}
    names = [line.strip() for line in lines_of(texts[folder / VARIANTS])]
    positions = {name: position for position, name in enumerate(names)}
    lines = list(_lines(texts[file], file, positions))
    if not lines:
        raise DataError(f"{file} has no line; unpack the archive again")
    found = find_files(folder / IMAGES, (line.image for line in lines))
    there = those_there(
        [line.image for line in lines],
        found,
        place,
        lambda i: f"{lines[i].where}: image {folder / IMAGES / lines[i].image}",
    )
    kept = [lines[i] for i in there.positions]
    files = tuple(found[line.image] for line in kept)
    targets = [Target(label=label) for label in range(len(names))]
    contents = [(each.name, digest_of_strings([text])) for each, text in texts.items()]
    return Dataset(
        name=f"aircraft_variants:{path}",
        revision=revision_of(files, place, contents=contents),
        offers=Offers(names=tuple(Text(name=name) for name in names)),
        examples=file_examples(files, tuple(targets[line.label] for line in kept)),
        reading=Reading("aircraft_variants", f"variants of {file.name}", lacks=there.lacks),
    )


def _lines(text: str, file: Path, positions: Mapping[str, int]) -> Iterator[Line]:
    for number, line in enumerate(lines_of(text), start=1):
        where = f"{file}:{number}"
        image, _, variant = line.strip().partition(" ")
        if not image.isalnum() or not variant:
            raise DataError(f"{where}: {line!r} is no image number and variant; correct the line")
        if variant not in positions:
            raise UnknownName("variant", variant, positions, advice=f"{where} carries it; correct the line")
        yield Line(where, f"{image}{SUFFIX}", positions[variant])
