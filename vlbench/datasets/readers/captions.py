"""Images with captions from annotation files: the images are found, and the source is made of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlbench.core.contracts import Dataset, Offers, Place, Target
from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError, SourceMissing
from vlbench.core.reading import Reading, Tally
from vlbench.datasets.readers.absent_images import those_there
from vlbench.datasets.readers.annotation import said_captions, templates_beside
from vlbench.datasets.readers.file_listing import FoundFile, find_files, revision_of
from vlbench.datasets.readers.image_file import file_examples
from vlbench.datasets.readers.inner_path import inner_path


@dataclass(frozen=True, slots=True)
class Captioned:
    """An image by its relative name, its captions, and where the annotations say so."""

    where: str
    image: str
    captions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaptionFolder:
    """A data set's folder, and the sub-folders (or folders under the data roots) where its images may lie."""

    root: Path
    images: Sequence[str]

    def folders(self, place: Place) -> list[Path]:
        """The folders of images that are there, those inside the data set's own folder first."""
        places = [parent / each for parent in (self.root, *place.roots) for each in self.images]
        return list(dict.fromkeys(each.resolve() for each in places if each.is_dir()))


@dataclass(frozen=True, slots=True)
class Annotations:
    """What annotations say: images with their captions, what was left out, and which file says so."""

    items: Sequence[Captioned]
    tally: Tally
    file: str
    remarks: tuple[str, ...] = ()


def captioned_images(name: str, said: Annotations, folder: CaptionFolder, place: Place) -> Dataset:
    """Images in the order of the annotations, each from the first folder that has it.

    The revision covers names, captions and sizes, not how the annotations are written down.

    Raises:
        SourceMissing: none of the images is there.
        DataError: no item, an image that stands twice, or one that is not there.
    """
    items = said.items
    if not items:
        raise DataError(f"{name} has no caption; check the split and the annotations in {folder.root}")
    first_seen: dict[str, str] = {}
    for item in items:
        if first_seen.setdefault(item.image, item.where) != item.where:
            raise DataError(
                f"{item.where}: {item.image} stands at {first_seen[item.image]} already; remove one"
            )
    folders = folder.folders(place)
    found: dict[str, FoundFile] = {}
    for each in folders:
        found |= find_files(each, [item.image for item in items if item.image not in found])
    looked = ", ".join(str(each) for each in folders) or str(folder.root)
    if not found:
        raise SourceMissing(
            f"none of the {len(items)} images in {looked}", f"put them there, as {items[0].image}"
        )
    there = those_there(
        [item.image for item in items],
        found,
        place,
        lambda i: f"{items[i].where}: image {items[i].image} of {looked}",
    )
    items = [items[i] for i in there.positions]
    files = tuple(found[item.image] for item in items)
    captions = digest_of_strings(
        part for item in items for part in (item.image, str(len(item.captions)), *item.captions)
    )
    return Dataset(
        name=name,
        revision=revision_of(files, place, contents=[("captions", captions)]),
        offers=Offers(templates=templates_beside(folder.root)),
        examples=file_examples(files, tuple(Target(captions=item.captions) for item in items)),
        reading=Reading(
            layout=name.partition(":")[0],
            labels=f"captions of {said.file}",
            left_out=said.tally.left_out,
            remarks=said.remarks,
            lacks=there.lacks,
        ),
    )


def gather(lines: Iterable[tuple[str, str, str]], tally: Tally) -> list[Captioned]:
    """Items of lines (where, image, caption), the captions of an image put together, in the first's order.

    Captions of blanks alone are left out and counted.

    Raises:
        DataError: an image's path leads out of the folder.
    """
    wheres: dict[str, str] = {}
    captions: dict[str, list[str]] = {}
    for where, image, caption in lines:
        inside = inner_path(image, where)
        wheres.setdefault(inside, where)
        captions.setdefault(inside, []).extend(said_captions([caption], where, tally))
    return [Captioned(wheres[image], image, tuple(own)) for image, own in captions.items()]


def stated_caption(value: object) -> str:
    """A caption of a JSON file; null says nothing.

    Raises:
        TypeError: it is something else than a string.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"caption {value!r} is no string")
    return value
