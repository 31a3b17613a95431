"""Images that annotations list: their files, and the data set made from them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vlbench.core.contracts import Dataset, Offers, Place, Target
from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError
from vlbench.core.outside_name import InnerPath
from vlbench.core.reading import LeftOut, Reading
from vlbench.datasets.readers.file_listing import FoundFile, find_files, revision_of
from vlbench.datasets.readers.image_file import file_examples


@dataclass(frozen=True, slots=True)
class Listed:
    """An image that annotations list: the place in the annotations, its name in its folder, and its
    target."""

    where: str
    image: InnerPath
    target: Target


@dataclass(frozen=True, slots=True)
class Present:
    """The listed images that exist, with their files; `lacks` tells which are missing, empty if none is."""

    images: tuple[Listed, ...]
    files: tuple[FoundFile, ...]
    lacks: str


def refuse_repeats(listed: Iterable[Listed]) -> None:
    """Raise DataError where an image is listed twice."""
    seen: dict[str, str] = {}
    for each in listed:
        if each.image in seen:
            raise DataError(
                f"{each.where}: {each.image} is named at {seen[each.image]} already; give it one line"
            )
        seen[each.image] = each.where


def one_an_image(listed: Iterable[Listed]) -> tuple[Listed, ...]:
    """Images in the order of their first line; lines of one image that differ in their captions become one.

    Raises:
        DataError: an image is listed twice otherwise.
    """
    found: dict[InnerPath, Listed] = {}
    for each in listed:
        first = found.setdefault(each.image, each)
        if first is each:
            continue
        captions = (*first.target.captions, *each.target.captions)
        if not captions or replace(each.target, captions=()) != replace(first.target, captions=()):
            refuse_repeats((first, each))
        found[each.image] = replace(first, target=replace(first.target, captions=captions))
    return tuple(found.values())


def find_listed(listed: Sequence[Listed], root: Path, place: Place, hint: str = "") -> Present:
    """Find the listed images by name in a folder.

    Raises:
        DataError: as `those_there`.
    """
    return those_there(listed, find_files(root, (each.image for each in listed)), place, root, hint)


def those_there(
    listed: Sequence[Listed],
    found: Mapping[InnerPath, FoundFile],
    place: Place,
    root: Path | None = None,
    hint: str = "",
) -> Present:
    """The listed images whose files were found. An error names the image in `root`, followed by `hint`.

    Raises:
        DataError: an image is missing and the user did not allow a subset, or all are missing.
    """
    missing = [each for each in listed if each.image not in found]
    images = tuple(each for each in listed if each.image in found)
    lacks = ""
    if missing:
        first = missing[0]
        if not place.allow_subset or not images:
            more = f", nor are {len(missing) - 1:,} more" if len(missing) > 1 else ""
            subset = ", or pass --allow-subset for a result marked partial" if images else ""
            at = root / first.image if root else first.image
            raise DataError(
                f"{first.where}: image {at}{hint} is not there{more}; complete the images{subset}"
            )
        lacks = f"{len(missing):,} of {len(listed):,} listed images are not there, as {first.image}"
    return Present(images, tuple(found[each.image] for each in images), lacks)


def listed_dataset(
    name: str,
    there: Present,
    place: Place,
    *,
    contents: Mapping[str, Iterable[str]],
    offers: Offers,
    labels: str,
    left_out: tuple[LeftOut, ...] = (),
    remarks: tuple[str, ...] = (),
) -> Dataset:
    """A data set of listed images, in their order.

    Its revision covers the images and `contents`: what was read from the annotations, by file name. `labels`,
    `left_out` and `remarks` go into its reading, whose layout is the first part of `name`.
    """
    digests = [(file, digest_of_strings(texts)) for file, texts in contents.items()]
    return Dataset(
        name=name,
        revision=revision_of(there.files, place, contents=digests),
        offers=offers,
        examples=file_examples(there.files, tuple(each.target for each in there.images)),
        reading=Reading(name.partition(":")[0], labels, left_out, remarks, there.lacks),
    )
