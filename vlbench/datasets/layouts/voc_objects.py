"""The source `voc_objects`: the objects of Pascal VOC, each cut out of its image."""

from dataclasses import dataclass
from functools import partial

from vlbench.core.contracts import Dataset, Example, Offers, Place, Target
from vlbench.core.dataset import Examples
from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError
from vlbench.core.reading import Reading
from vlbench.datasets.layouts.voc_annotation import ANNOTATIONS, Box, VocSplit, read_split
from vlbench.datasets.readers.annotation import names_of
from vlbench.datasets.readers.file_listing import FoundFile, revision_of
from vlbench.datasets.readers.image_file import open_image_file


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
    annotated = read_split(place, path, split)
    cuts: list[tuple[int, Box]] = []
    targets: list[Target] = []
    for number, objects in enumerate(annotated.objects):
        for each in objects:
            if each.box is None or each.box[0] >= each.box[2] or each.box[1] >= each.box[3]:
                file = annotated.folder / ANNOTATIONS / f"{annotated.ids[number]}.xml"
                raise DataError(f"{file}: {each.name} has no box that holds pixels; unpack the archive again")
            cuts.append((number, each.box))
            targets.append(Target(label=each.name))
    if not cuts:
        raise DataError(f"{annotated.folder / annotated.list}: no image has an object; unpack it again")
    contents = digest_of_strings(
        f"{annotated.ids[number]} {box} {target.label}"
        for (number, box), target in zip(cuts, targets, strict=True)
    )
    return Dataset(
        name=f"voc_objects:{path}",
        revision=revision_of(annotated.files, place, contents=[(annotated.list, contents)]),
        offers=Offers(names=names_of(targets)),
        examples=Examples(Cuts(annotated.files, tuple(cuts), tuple(targets)).example, len(cuts)),
        reading=Reading("voc_objects", f"objects, {annotated.list}", lacks=annotated.lacks),
    )


@dataclass(frozen=True, slots=True)
class Cuts:
    """Parts of image files."""

    files: tuple[FoundFile, ...]
    cuts: tuple[tuple[int, Box], ...]  # number of the file, box
    targets: tuple[Target, ...]

    def example(self, index: int) -> Example:
        """The example of an object; its id is the file's name and the object's number in all."""
        number, box = self.cuts[index]
        file = self.files[number]
        return Example(
            f"{file.name}/{index}",
            partial(open_image_file, file.path),
            self.targets[index],
            f"{file.state}#{box}",
            box=box,
        )
