"""The source `voc_tags`: images of Pascal VOC with the classes of their objects as tags."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from vlbench.core.contracts import Dataset, Place, Target
from vlbench.core.reading import Tally
from vlbench.datasets.layouts.voc_annotation import VocObject, VocSplit, read_split
from vlbench.datasets.readers.annotation import offers_beside
from vlbench.datasets.readers.listed_images import listed_dataset

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
    voc = read_split(place, path, split)
    tally = Tally()
    become = "whose class is unknown" if difficult == "unknown" else "which are no tags"
    images, said = [], []
    for image, (annotation, objects) in zip(voc.there.images, voc.annotations, strict=True):
        for each in objects:
            if each.difficult and difficult != "kept":
                tally.leave_out(f"difficult objects, {become}", image.image)
        target = _target(objects, difficult)
        images.append(replace(image, target=target))
        unknown = f" ?{' '.join(sorted(map(str, target.unknown)))}" if target.unknown else ""
        said.append(f"{annotation.stem} {' '.join(sorted(map(str, target.tags or ())))}{unknown}")
    return listed_dataset(
        f"voc_tags:{path}",
        replace(voc.there, images=tuple(images)),
        place,
        contents={voc.list: said},
        offers=offers_beside([voc.folder], [each.target for each in images]),
        labels=f"objects, {voc.list}",
        left_out=tally.left_out,
    )


def _target(objects: Sequence[VocObject], difficult: Difficult) -> Target:
    """The classes of an image's objects, each once."""
    kept = [each.name for each in objects if difficult == "kept" or not each.difficult]
    unsure = [each.name for each in objects if difficult == "unknown" and each.name not in kept]
    return Target(tags=tuple(dict.fromkeys(kept)), unknown=tuple(dict.fromkeys(unsure)))
