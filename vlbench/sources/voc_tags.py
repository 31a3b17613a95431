"""The source `voc_tags`: images of Pascal VOC with the classes of their objects as tags."""

from typing import Literal

from vlbench.core.contracts import Dataset, Place, Target
from vlbench.core.digest import digest_of_strings
from vlbench.core.reading import Reading, Tally
from vlbench.sources.annotation import offers_beside
from vlbench.sources.file_listing import revision_of
from vlbench.sources.image_file import file_examples
from vlbench.sources.voc_annotation import VocSplit, read_split


def voc_tags(
    place: Place,
    /,
    *,
    path: str,
    split: VocSplit = "test",
    difficult: Literal["kept", "left out"] = "kept",
) -> Dataset:
    """Images of Pascal VOC in the order of a split's list; the classes of their objects are tags.

    The folder is a year of the authors' development kit (`VOCdevkit/VOC2007`): it holds
    `ImageSets/Main/SPLIT.txt`, `Annotations/ID.xml` and `JPEGImages/ID.jpg`.

    Args:
        place: where to look.
        path: that folder.
        split: `train`, `val`, `trainval` or `test`.
        difficult: whether an object marked as difficult makes its class a tag (`kept`) or not (`left out`).

    Raises:
        SourceMissing: no such folder.
        DataError: a file that is missing or wrong; it is named.
    """
    annotated = read_split(place, path, split)
    kept = difficult == "kept"
    tags = [
        tuple(dict.fromkeys(each.name for each in objects if kept or not each.difficult))
        for objects in annotated.objects
    ]
    targets = tuple(Target(tags=each) for each in tags)
    tally = Tally()
    for file, objects in zip(annotated.files, annotated.objects, strict=True):
        for each in objects if not kept else ():
            if each.difficult:
                tally.leave_out("difficult objects, which are no tags", file.name)
    contents = digest_of_strings(
        f"{each} {' '.join(sorted(own))}" for each, own in zip(annotated.ids, tags, strict=True)
    )
    return Dataset(
        name=f"voc_tags:{path}",
        revision=revision_of(annotated.files, place, contents=[(annotated.list, contents)]),
        offers=offers_beside([annotated.folder], targets),
        examples=file_examples(annotated.files, targets),
        reading=Reading("voc_tags", f"objects, {annotated.list}", tally.left_out, lacks=annotated.lacks),
    )
