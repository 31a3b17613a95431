"""The source `voc_objects`: the objects of Pascal VOC, each cut out of its image."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from vlbench.core.contracts import Dataset, Example, Offers, Place, Target
from vlbench.core.dataset import Examples
from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError
from vlbench.core.reading import Reading
from vlbench.datasets.layouts.voc_annotation import Box, VocSplit, read_split
from vlbench.datasets.readers.annotation import names_of
from vlbench.datasets.readers.file_listing import FoundFile, revision_of
from vlbench.datasets.readers.image_file import open_image_file


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of an image file that shows an object."""

    file: FoundFile
    box: Box
    target: Target


def voc_objects(place: Place, /, *, path: str, split: VocSplit = "test") -> Dataset:
    """Objects of Pascal VOC's images, difficult ones too, cut out along their boxes; labels are classes.

    This is how CLIP_benchmark makes a classification of VOC 2007: a box's numbers are taken as
    left, top, right and bottom of the cut as they stand. Objects are in the order of the split's list,
    then of the annotation.

    Args:
        place: where to look.
        path: a year of the development kit (`VOCdevkit/VOC2007`).
        split: `train`, `val`, `trainval` or `test`.

    Raises:
        SourceMissing: no such folder.
        DataError: a file that is missing or wrong, or an object without a box.
    """
    voc = read_split(place, path, split)
    cuts: list[Cut] = []
    said: list[str] = []
    for number, (file, objects) in enumerate(zip(voc.there.files, voc.objects, strict=True)):
        for each in objects:
            if each.box is None or each.box[0] >= each.box[2] or each.box[1] >= each.box[3]:
                raise DataError(
                    f"{voc.annotation(number)}: {each.name} has no box that holds pixels; "
                    "unpack the archive again"
                )
            cuts.append(Cut(file, each.box, Target(label=each.name)))
            said.append(f"{voc.annotation(number).stem} {each.box} {each.name}")
    if not cuts:
        raise DataError(f"{voc.folder / voc.list}: no image has an object; unpack it again")
    return Dataset(
        name=f"voc_objects:{path}",
        revision=revision_of(voc.there.files, place, contents=[(voc.list, digest_of_strings(said))]),
        offers=Offers(names=names_of(each.target for each in cuts)),
        examples=Examples(partial(_example, tuple(cuts)), len(cuts)),
        reading=Reading("voc_objects", f"objects, {voc.list}", lacks=voc.there.lacks),
    )


def _example(cuts: Sequence[Cut], index: int) -> Example:
    """The example of an object; its id is the file's name and the object's number in all."""
    cut = cuts[index]
    return Example(
        f"{cut.file.name}/{index}",
        partial(open_image_file, cut.file.path),
        cut.target,
        f"{cut.file.state}#{cut.box}",
        box=cut.box,
    )
