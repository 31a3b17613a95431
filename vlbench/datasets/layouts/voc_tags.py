"""The source `voc_tags`: images of Pascal VOC with the classes of their objects as tags."""

from collections.abc import Sequence
from typing import Literal

from vlbench.core.contracts import Dataset, Place, Target
from vlbench.core.digest import digest_of_strings
from vlbench.core.reading import Reading, Tally
from vlbench.datasets.layouts.voc_annotation import VocObject, VocSplit, read_split
from vlbench.datasets.readers.annotation import offers_beside
from vlbench.datasets.readers.file_listing import revision_of
from vlbench.datasets.readers.image_file import file_examples

Difficult = Literal["kept", "left out", "unknown"]


def voc_tags(
    place: Place,
    /,
    *,
    path: str,
    split: VocSplit = "test",
    difficult: Difficult = "kept",
) -> Dataset:
    """Images of Pascal VOC in the order of a split's list; the classes of their objects are tags.

    The folder is a year of the authors' development kit (`VOCdevkit/VOC2007`): it holds
    `ImageSets/Main/SPLIT.txt`, `Annotations/ID.xml` and `JPEGImages/ID.jpg`.

    Args:
        place: where to look.
        path: that folder.
        split: `train`, `val`, `trainval` or `test`.
        difficult: whether an object marked as difficult makes its class a tag (`kept`) or not (`left out`:
            the class is then false of the image), or whether nobody knows (`unknown`). The challenge has it
            that such a class is neither right nor wrong, unless another object of the image shows it.

    Raises:
        SourceMissing: no such folder.
        DataError: a file that is missing or wrong; it is named.
    """
    annotated = read_split(place, path, split)
    targets = tuple(_target(objects, difficult) for objects in annotated.objects)
    tally = Tally()
    for file, objects in zip(annotated.files, annotated.objects, strict=True):
        for each in objects if difficult != "kept" else ():
            if each.difficult:
                become = "whose class is unknown" if difficult == "unknown" else "which are no tags"
                tally.leave_out(f"difficult objects, {become}", file.name)
    contents = digest_of_strings(
        f"{each} {' '.join(sorted(map(str, own.tags or ())))}{' ?' * bool(own.unknown)}"
        f"{' '.join(sorted(map(str, own.unknown)))}"
        for each, own in zip(annotated.ids, targets, strict=True)
    )
    return Dataset(
        name=f"voc_tags:{path}",
        revision=revision_of(annotated.files, place, contents=[(annotated.list, contents)]),
        offers=offers_beside([annotated.folder], targets),
        examples=file_examples(annotated.files, targets),
        reading=Reading("voc_tags", f"objects, {annotated.list}", tally.left_out, lacks=annotated.lacks),
    )


def _target(objects: Sequence[VocObject], difficult: Difficult) -> Target:
    """The classes of an image's objects, each once."""
    kept = [each.name for each in objects if difficult == "kept" or not each.difficult]
    unsure = [each.name for each in objects if difficult == "unknown" and each.name not in kept]
    return Target(tags=tuple(dict.fromkeys(kept)), unknown=tuple(dict.fromkeys(unsure)))
