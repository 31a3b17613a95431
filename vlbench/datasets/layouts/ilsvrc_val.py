"""The source `ilsvrc_val`: ImageNet's validation images as they are downloaded, in one flat folder."""

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from vlbench.core.contracts import Dataset, Offers, Place, Target
from vlbench.core.errors import DataError, SourceUnread
from vlbench.core.outside_name import InnerPath, inner_path
from vlbench.core.reading import Reading, Tally
from vlbench.core.text_file import csv_records, read_text
from vlbench.datasets.readers.annotation import names_of
from vlbench.datasets.readers.file_listing import list_names, revision_of
from vlbench.datasets.readers.image_file import IMAGE_SUFFIXES, file_examples
from vlbench.datasets.readers.listed_images import Listed, find_listed, refuse_repeats
from vlbench.datasets.readers.location import locate
from vlbench.datasets.readers.tar_index import text_in_tar
from vlbench.datasets.readers.text_records import data_lines

PREFIX = "ILSVRC2012_val_"
SUFFIX = ".JPEG"
FOLDERS = ("val", "validation", "ILSVRC/Data/CLS-LOC/val", "Data/CLS-LOC/val", ".")
"""Where the images lie below the folder that people name, or that a card names."""
TRUTH = "ILSVRC2012_validation_ground_truth.txt"
DEVKIT = "ILSVRC2012_devkit_t12.tar.gz"
UNPACKED = (TRUTH, f"ILSVRC2012_devkit_t12/data/{TRUTH}", f"devkit/data/{TRUTH}")
SOLUTION = "LOC_val_solution.csv"
COLUMNS = ("ImageId", "PredictionString")
_OF_A_BOX = 5
"""Words of a box in Kaggle's table: the wnid and four numbers."""
PACKED = "ILSVRC2012_img_val.tar"


def ilsvrc_val(place: Place, /, *, path: str, ids: str) -> Dataset:
    r"""ImageNet's validation images in one folder, as image-net.org and Kaggle pack them.

    Labels come from what was downloaded with the images, and from nowhere else: the development kit's list of
    class numbers (`ILSVRC2012_validation_ground_truth.txt`, or the packed kit `ILSVRC2012_devkit_t12.tar.gz`)
    or Kaggle's `LOC_val_solution.csv`. They are looked for in `path`, with the images, and in the folder
    above them. The names offered are the wnids that they state. Images are called and ordered as if they were
    sorted into folders by wnid, so that a result on one layout stands beside a result on the other.

    Args:
        place: where to look.
        path: the folder of the images, or the one that holds them as `val`, `validation` or
            `ILSVRC/Data/CLS-LOC/val`.
        ids: a file under a data root or next to the card with the wnid of each class number, from 1.

    Raises:
        SourceMissing: there are no such images.
        SourceUnread: nothing tells what they show.
        DataError: a label is wrong, or an image is missing.

    >>> from vlbench.core.small_place import small_place
    >>> files = {f"val/{PREFIX}00000001{SUFFIX}": b"", TRUTH: "2", "ids.txt": "n02119789\nn02100735"}
    >>> with small_place(files) as place:
    ...     dataset = ilsvrc_val(place, path=".", ids="ids.txt")
    >>> dataset[0].id, dataset[0].target.label
    ('n02100735/ILSVRC2012_val_00000001.JPEG', 'n02100735')
    """
    packed: list[str] = []

    def holds(root: Path) -> bool:
        if (root / PACKED).is_file():
            packed.append(f"{root / PACKED} is packed")
        return _flat_below(root) is not None

    mend = f"unpack it into a folder `val`, and put {DEVKIT} beside that"
    root = locate(place, path, wanted=f"flat {PREFIX}*{SUFFIX}", holds=holds, instead=packed, mend=mend)
    folder = _flat_below(root) or root
    images = _images(folder)
    file, listed = _labelled(dict.fromkeys((root, folder, folder.parent)), images, place, ids)
    if file is None:
        raise SourceUnread(
            str(folder),
            f"{len(images):,} images lie flat, as {min(images.values())}, and nothing tells what they show",
            f"put {DEVKIT} (or its {TRUTH}) of image-net.org or {SOLUTION} of Kaggle into {root}, or sort "
            "the images into a folder for each wnid",
        )
    refuse_repeats(listed)
    there = find_listed(listed, folder, place)
    tally = Tally()
    for name in sorted(set(images.values()) - {each.image for each in listed}):
        tally.leave_out(f"images that {file.name} does not list", name)
    sorted_in = [
        (replace(found, name=f"{each.target.label}/{found.name}"), each.target)
        for each, found in zip(there.images, there.files, strict=True)
    ]
    sorted_in.sort(key=lambda each: each[0].name.split("/"))
    files = [each for each, _ in sorted_in]
    return Dataset(
        name=f"ilsvrc_val:{path}",
        revision=revision_of(files, place),  # labels are in the names
        offers=Offers(names=names_of(each.target for each in listed)),
        examples=file_examples(files, [target for _, target in sorted_in]),
        reading=Reading("ilsvrc_val", file.name, tally.left_out, (), there.lacks),
    )


def _flat_below(root: Path) -> Path | None:
    """The folder below a root that holds the images; None where there is none."""
    return next((root / each for each in FOLDERS if (root / each).is_dir() and _images(root / each)), None)


def _images(folder: Path) -> dict[str, InnerPath]:
    """The images in a folder by their names without suffixes."""
    stems = ((*posixpath.splitext(name), name) for name in list_names(folder) if name.startswith(PREFIX))
    return {stem: name for stem, suffix, name in stems if suffix.lower() in IMAGE_SUFFIXES}


def _labelled(
    places: Sequence[Path] | dict[Path, None], images: dict[str, InnerPath], place: Place, ids: str
) -> tuple[Path | None, list[Listed]]:
    """The images that the first file of labels in some places lists, and that file; None without one."""
    for folder in places:
        for name in UNPACKED:
            if (file := folder / name).is_file():
                return file, list(_numbered(read_text(file), file, _wnids(place, ids), images))
        if (file := folder / DEVKIT).is_file():
            text = text_in_tar(file, UNPACKED[1])
            return file, list(_numbered(text, file, _wnids(place, ids), images))
        if (file := folder / SOLUTION).is_file():
            return file, list(_solved(read_text(file), file, images))
    return None, []


def _wnids(place: Place, ids: str) -> list[str]:
    return data_lines(read_text(locate(place, ids, wanted="file of wnids", holds=Path.is_file)))


def _numbered(text: str, file: Path, wnids: Sequence[str], images: dict[str, InnerPath]) -> Iterator[Listed]:
    """What the development kit says: line n has the class number of image n."""
    targets = [Target(label=wnid) for wnid in wnids]
    for number, line in enumerate(data_lines(text), start=1):
        where = f"{file}:{number}"
        word = line.strip()
        if not (word.isascii() and word.isdigit() and len(word) <= len(str(len(wnids)))):
            raise DataError(
                f"{where}: {word[:40]!r} is no number of a class; unpack the development kit again"
            )
        if not 1 <= int(word) <= len(wnids):
            raise DataError(f"{where}: {word} is none of the classes 1 to {len(wnids)}; unpack the kit again")
        yield _listed(f"{PREFIX}{number:08}", where, targets[int(word) - 1], images)


def _solved(text: str, file: Path, images: dict[str, InnerPath]) -> Iterator[Listed]:
    """What Kaggle says: a row for each image, with a wnid and four numbers for each box of its object."""
    columns, rows = csv_records(text, str(file))
    if not set(COLUMNS) <= set(columns):
        raise DataError(f"{file}: the columns are not {', '.join(COLUMNS)}; fetch it again")
    targets: dict[str, Target] = {}
    for where, row in rows:
        image, boxes = (row[column] for column in COLUMNS)
        words = boxes.split()
        wnids = set(words[::_OF_A_BOX])
        if len(wnids) != 1 or len(words) % _OF_A_BOX:
            raise DataError(f"{where}: {boxes[:60]!r} are no boxes of one wnid; fetch it again")
        wnid = wnids.pop()
        yield _listed(image, where, targets.setdefault(wnid, Target(label=wnid)), images)


def _listed(stem: str, where: str, target: Target, images: dict[str, InnerPath]) -> Listed:
    return Listed(where, images.get(stem) or inner_path(f"{stem}{SUFFIX}", where), target)
