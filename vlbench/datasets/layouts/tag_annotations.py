"""The source `tag_annotations`: images and their tags as the Recognize Anything repository annotates them.

And as Open Images verifies them, which lists the tags that are false of an image beside those that are true.
"""

import csv
import gzip
import posixpath
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from vlbench.core.contracts import Dataset, Place, Target
from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError, SourceMissing
from vlbench.core.reading import Reading, Tally
from vlbench.datasets.readers.absent_images import those_there
from vlbench.datasets.readers.annotation import lines_of, offers_beside
from vlbench.datasets.readers.file_listing import FoundFile, find_files, list_files, revision_of
from vlbench.datasets.readers.image_file import IMAGE_SUFFIXES, file_examples
from vlbench.datasets.readers.location import locate

Form = Literal["names", "indices", "open images"]
VERIFIED = ("ImageID", "LabelName", "Confidence")
"""The columns of Open Images' verified labels that are read; a confidence of 1 is true, one of 0 false."""
COMPRESSED = ".gz"
JPEG = ".jpg"


@dataclass(frozen=True, slots=True)
class Line:
    """What the annotations say of an image: where, its name, its tags, and those known to be false."""

    where: str
    image: str
    tags: tuple[str | int, ...]
    negatives: tuple[str | int, ...] | None = None

    @property
    def target(self) -> Target:
        """The target of the image."""
        return Target(tags=self.tags, negatives=self.negatives)


def tag_annotations(
    place: Place,
    /,
    *,
    path: str,
    annotations: str,
    form: Form = "names",
    images: str = "imgs",
    negatives: str | None = None,
) -> Dataset:
    """Images and their tags in the order of an annotation file: Recognize Anything's, or Open Images'.

    A line of the form `names` is `image,tag,tag...`, one of `indices` is `image,index index...` with
    positions among the names of the card; nothing behind the image's name is no tag. The form `open images`
    is that of its human-verified labels, `ImageID,Source,LabelName,Confidence` with the ids of labels; a
    label that is verified neither way of an image is unknown. A name without the suffix of an image file is
    that of a `.jpg`. An image lies at its path in the folder, or, where the folder is arranged in another
    way, is the only file of its name in any of the sub-folders.

    Args:
        place: where to look.
        path: the folder of the data set.
        annotations: the file of annotations, perhaps gzipped: in that folder, under a data root or beside
            the card.
        form: how tags are written.
        images: the sub-folder of the images, where there is one.
        negatives: a file of the same form that lists the tags that are known to be false of each image, such
            as the verified negative labels of Open Images; then those that stand in neither file are
            unknown.

    Raises:
        SourceMissing: no such folder or file, or none of the images in the folder.
        DataError: a line that is wrong, or an image that does not lie there; file and line are named.
    """
    folder = locate(place, path, wanted="folder of images", holds=Path.is_dir)
    beside = Place(roots=(folder, *place.roots), card_folder=place.card_folder)
    file = locate(beside, annotations, wanted="annotation file", holds=Path.is_file)
    tally = Tally()
    texts = [_read(file)]
    lines = list(_verified(texts[0], file) if form == "open images" else _lines(texts[0], file, form))
    if not lines:
        raise DataError(f"{file} has no line; add one for each image")
    labels = f"{form} of {file.name}"
    if negatives is not None:
        if form == "open images":
            raise DataError(f"{file} lists what is false itself; leave out `negatives`")
        other = locate(beside, negatives, wanted="file of negative tags", holds=Path.is_file)
        texts.append(_read(other))
        lines = _with_negatives(lines, list(_lines(texts[1], other, form)), tally)
        labels += f", negative tags of {other.name}"
    root = folder / images if (folder / images).is_dir() else folder
    found = _found(root, lines)
    if not found:
        raise SourceMissing(
            f"none of the {len(lines)} images under {root}", f"put them there, the first as {lines[0].image}"
        )
    offers = offers_beside([folder], (line.target for line in lines))
    there = those_there(
        [line.image for line in lines],
        found,
        place,
        lambda i: f"{lines[i].where}: image {root / lines[i].image}",
    )
    files = tuple(found[lines[i].image] for i in there.positions)
    targets = tuple(lines[i].target for i in there.positions)
    return Dataset(
        name=f"tag_annotations:{path}",
        revision=revision_of(files, place, contents=[("annotations", digest_of_strings(texts))]),
        offers=offers,
        examples=file_examples(files, targets),
        reading=Reading("tag_annotations", labels, tally.left_out, lacks=there.lacks),
    )


def _with_negatives(lines: Sequence[Line], negatives: Sequence[Line], tally: Tally) -> list[Line]:
    """Lines with the tags that other lines of the same images list; none where no line names the image."""
    false = {line.image: line for line in negatives}
    whole = [replace(line, negatives=false[line.image].tags if line.image in false else ()) for line in lines]
    for image in sorted(false.keys() - {line.image for line in lines}):
        tally.leave_out("lines of negative tags whose image is not annotated", image)
    return whole


def _verified(text: str, file: Path) -> Iterator[Line]:
    """The images of Open Images' verified labels in the order in which they are first named."""
    rows = csv.DictReader(lines_of(text))
    if not set(VERIFIED) <= set(rows.fieldnames or ()):
        raise DataError(f"{file}: the columns are not {', '.join(VERIFIED)}; fetch the verified labels")
    found: dict[str, tuple[list[str], list[str]]] = {}
    for number, row in enumerate(rows, start=2):
        image, label, confidence = (row[column] or "" for column in VERIFIED)
        if confidence not in ("0", "1") or not label:
            raise DataError(f"{file}:{number}: confidence {confidence!r} of {label!r} is neither 0 nor 1")
        name = _image_name(image, image, f"{file}:{number}")
        found.setdefault(name, ([], []))[confidence == "0"].append(label)
    for name, (true, false) in found.items():
        yield Line(f"{file}", name, tuple(true), tuple(false))


def _read(file: Path) -> str:
    try:
        data = file.read_bytes()
        if file.suffix == COMPRESSED:
            data = gzip.decompress(data)
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file} cannot be read ({error}); fetch it again") from error


def _lines(text: str, file: Path, form: Form) -> Iterator[Line]:
    first_seen: dict[str, int] = {}
    for number, line in enumerate(lines_of(text), start=1):
        where = f"{file}:{number}"
        stem, _, behind = line.partition(",")
        name = _image_name(stem, line, where)
        if first_seen.setdefault(name, number) != number:
            raise DataError(
                f"{where}: {name} is named on line {first_seen[name]} already; put its tags on one line"
            )
        tags = behind.split(",") if behind else []
        yield Line(where, name, _indices(behind, where) if form == "indices" else _names(tags, where))


def _image_name(stem: str, line: str, where: str) -> str:
    if not stem.strip():
        raise DataError(f"{where}: {line!r} names no image; write `image,tag,tag`")
    name = posixpath.normpath(stem.strip())
    if posixpath.isabs(name) or name.split("/")[0] == "..":
        raise DataError(f"{where}: {stem!r} leads out of the folder; give a path inside it")
    return name if posixpath.splitext(name)[1].lower() in IMAGE_SUFFIXES else name + JPEG


def _names(tags: Sequence[str], where: str) -> tuple[str, ...]:
    names = tuple(tag.strip() for tag in tags)
    if "" in names:
        raise DataError(f"{where}: an empty tag; remove a comma")
    return names


def _indices(behind: str, where: str) -> tuple[int, ...]:
    words = behind.split()
    if not all(word.isascii() and word.isdigit() for word in words):
        raise DataError(f"{where}: {behind!r} are no indices; write whole numbers with blanks between them")
    return tuple(map(int, words))


def _found(root: Path, lines: Sequence[Line]) -> dict[str, FoundFile]:
    """The file of each line, under the name that the line gives it, wherever it lies under the root."""
    found = find_files(root, (line.image for line in lines))
    if len(found) < len(lines):
        listed = list_files(root)
        counts = Counter(posixpath.basename(file.name) for file in listed)
        anywhere = {posixpath.basename(file.name): file for file in listed}
        for line in lines:
            base = posixpath.basename(line.image)
            if line.image in found or base not in anywhere:
                continue
            if counts[base] > 1:
                raise DataError(
                    f"{line.where}: {counts[base]} files are called {base} under {root}, none of them at "
                    f"{line.image}; remove all but one"
                )
            found[line.image] = replace(anywhere[base], name=line.image)
    return found
