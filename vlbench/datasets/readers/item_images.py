"""Finds the images of items by the names in annotations, and makes the data set of both."""

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from vlbench.core.contracts import Dataset, Example, Offers, Place, Target
from vlbench.core.dataset import Examples
from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError, SourceMissing
from vlbench.core.item import Item
from vlbench.core.outside_name import InnerPath, inner_path
from vlbench.core.reading import Reading, Tally
from vlbench.datasets.readers.annotation import templates_beside
from vlbench.datasets.readers.file_listing import FoundFile, find_files, revision_of
from vlbench.datasets.readers.image_file import open_image_file
from vlbench.datasets.readers.item_fields import Box, mark_of
from vlbench.datasets.readers.listed_images import Listed, those_there

Image = tuple[str, Box | None]
"""The name of an image in annotations, and the part of it that is meant."""
WHOLE = "{}"
"""In a pattern: the name as stated."""
BASE = "{name}"
"""In a pattern: the last part of the name or URL."""
NUMBER = "{:012}"
"""In a pattern: the number with twelve digits."""


@dataclass(frozen=True, slots=True)
class StatedItems:
    """The items of an annotation file, each with its images; an item numbers its own images from 0."""

    file: Path
    labels: str
    items: Sequence[tuple[Item, tuple[Image, ...]]]
    tally: Tally = field(default_factory=Tally)


def items_with_images(
    name: str, said: StatedItems, patterns: Sequence[str], root: Path, place: Place
) -> Dataset:
    """A data set of the distinct images, in the order in which items name them, and of the items.

    A pattern is a path in the data set's folder or under a data root, in which `{}` is replaced by the stated
    name, `{name}` by its last part, `{:012}` by a number with twelve digits; a pattern without these is a
    folder. The first pattern that has an image is used. Items whose images are missing are left out if a
    subset is allowed.

    Raises:
        SourceMissing: none of the images exists.
        DataError: there is no item, a path leads out of its folder, or an image is missing.
    """
    if not said.items:
        raise DataError(f"{said.file} states no item; fetch it again")
    inside = {image: _inside(image, said.file) for _, images in said.items for image, _ in images}
    names = tuple(dict.fromkeys(inside.values()))
    found = _find(names, patterns, (root, *place.roots), said.file)
    if not found:
        first = _filled(patterns[0], names[0], said.file)
        raise SourceMissing(f"none of the {len(names):,} images in {root}", f"put them there, as {first}")
    there = those_there([Listed(str(said.file), each, Target()) for each in names], found, place)
    places: dict[Image, int] = {}
    items: list[Item] = []
    for item, images in said.items:
        if all(inside[image] in found for image, _ in images):
            own = tuple(places.setdefault(image, len(places)) for image in images)
            items.append(replace(item, images=own))
    if not items:
        raise DataError(f"{said.file}: no item has all its images; complete the images in {root}")
    lost = len(said.items) - len(items)
    lacks = f"{there.lacks}; {lost:,} of {len(said.items):,} items want one of them" if lost else ""
    parts = tuple((found[inside[image]], box) for image, box in places)
    files = tuple(dict.fromkeys(file for file, _ in parts))
    return Dataset(
        name=name,
        revision=revision_of(files, place, contents=[("items", _digest(said, items))]),
        offers=Offers(templates=templates_beside(root), items=tuple(items)),
        examples=Examples(partial(_example, parts), len(parts)),
        reading=Reading(name.partition(":")[0], said.labels, said.tally.left_out, lacks=lacks),
    )


def _inside(name: str, file: Path) -> InnerPath:
    """The name of an image as a path, of an address what follows the host."""
    return inner_path(urlsplit(name).path.lstrip("/") if "://" in name else name, str(file))


def _find(
    names: Iterable[InnerPath], patterns: Sequence[str], roots: Sequence[Path], file: Path
) -> dict[InnerPath, FoundFile]:
    """The file for each name, from the first pattern and root that has it."""
    found: dict[InnerPath, FoundFile] = {}
    for root in roots:
        for pattern in patterns:
            wanted = {_filled(pattern, name, file): name for name in names if name not in found}
            found |= {wanted[path]: each for path, each in find_files(root, wanted).items()}
    return found


def _filled(pattern: str, name: InnerPath, file: Path) -> InnerPath:
    """The path that a pattern makes of a name, which stays below the folder where it starts."""
    path = pattern.replace(WHOLE, name) if WHOLE in pattern else f"{pattern}/{name}"
    if NUMBER in pattern:
        if not name.isdecimal():
            raise DataError(f"{file}: image {name!r} is no number; fetch it again")
        path = pattern.replace(NUMBER, name.zfill(12))
    elif BASE in pattern:
        path = pattern.replace(BASE, posixpath.basename(name))
    return inner_path(path, f"{file}: images {pattern!r}")


def _digest(said: StatedItems, items: Sequence[Item]) -> str:
    """A digest of the items, with the names of their images."""
    stated = dict(zip((item.id for item, _ in said.items), said.items, strict=True))
    return digest_of_strings(
        part
        for each in items
        for part in (each.id, *map(str, stated[each.id][1]), *each.texts, str(each.right), str(each.labels))
    )


def _example(parts: Sequence[tuple[FoundFile, Box | None]], index: int) -> Example:
    """The example of a file or a part of one. Its id is the file's name, with the box if there is one."""
    file, box = parts[index]
    mark = mark_of(box)
    image = partial(open_image_file, file.path)
    return Example(f"{file.name}{mark}", image, Target(), f"{file.state}{mark}", box=box)
