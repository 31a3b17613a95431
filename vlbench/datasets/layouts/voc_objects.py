"""The source `voc_objects`: the objects of Pascal VOC, each cut out of its image."""

from functools import partial

from vlbench.core.contracts import Dataset, Example, Offers, Place, Target
from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError
from vlbench.core.reading import Reading
from vlbench.datasets.layouts.voc_annotation import VocSplit, read_split
from vlbench.datasets.readers.annotation import names_of
from vlbench.datasets.readers.file_listing import revision_of
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
    voc = read_split(place, path, split)
    examples: list[Example] = []
    said: list[str] = []
    for file, (annotation, objects) in zip(voc.there.files, voc.annotations, strict=True):
        for each in objects:
            if each.box is None or each.box[0] >= each.box[2] or each.box[1] >= each.box[3]:
                raise DataError(
                    f"{annotation}: {each.name} has no box that holds pixels; unpack the archive again"
                )
            examples.append(
                Example(
                    f"{file.name}/{len(examples)}",  # the object's number in all
                    partial(open_image_file, file.path),
                    Target(label=each.name),
                    f"{file.state}#{each.box}",
                    box=each.box,
                )
            )
            said.append(f"{annotation.stem} {each.box} {each.name}")
    if not examples:
        raise DataError(f"{voc.folder / voc.list}: no image has an object; unpack it again")
    return Dataset(
        name=f"voc_objects:{path}",
        revision=revision_of(voc.there.files, place, contents=[(voc.list, digest_of_strings(said))]),
        offers=Offers(names=names_of(each.target for each in examples)),
        examples=tuple(examples),
        reading=Reading("voc_objects", f"objects, {voc.list}", lacks=voc.there.lacks),
    )
