"""The source `tag_annotations`: images and their tags as the Recognize Anything repository annotates them."""

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
from vlbench.core.reading import Reading
from vlbench.sources.absent_images import those_there
from vlbench.sources.annotation import lines_of, offers_beside
from vlbench.sources.file_listing import FoundFile, find_files, list_files, revision_of
from vlbench.sources.image_file import IMAGE_SUFFIXES, file_examples
from vlbench.sources.location import locate

Form = Literal["names", "indices"]
COMPRESSED = ".gz"
JPEG = ".jpg"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the annotations: where it stands, the image it names, the image's tags."""

    where: str
    image: str
    tags: tuple[str | int, ...]


def tag_annotations(
    place: Place, /, *, path: str, annotations: str, form: Form = "names", images: str = "imgs"
) -> Dataset:
    """Images and their tags in the order of an annotation file of the Recognize Anything repository.

    A line of the form `names` is `image,tag,tag...`, one of `indices` is `image,index index...` with
    positions among the names of the card; nothing behind the image's name is no tag. A name without
    the suffix of an image file is that of a `.jpg`. An image lies at its path in the folder, or, where
    the folder is arranged in another way, is the only file of its name in any of the sub-folders.

    Args:
        place: where to look.
        path: the folder of the data set.
        annotations: the file of annotations, perhaps gzipped: in that folder, under a data root or beside
            the card.
        form: how tags are written.
        images: the sub-folder of the images, where there is one.

    Raises:
        SourceMissing: no such folder or file, or none of the images in the folder.
        DataError: a line that is wrong, or an image that does not lie there; file and line are named.
    """
    folder = locate(place, path, wanted="folder of images", holds=Path.is_dir)
    beside = Place(roots=(folder, *place.roots), card_folder=place.card_folder)
    file = locate(beside, annotations, wanted="annotation file", holds=Path.is_file)
    text = _read(file)
    lines = list(_lines(text, file, form))
    if not lines:
        raise DataError(f"{file} has no line; add one for each image")
    root = folder / images if (folder / images).is_dir() else folder
    found = _found(root, lines)
    if not found:
        raise SourceMissing(
            f"none of the {len(lines)} images under {root}", f"put them there, the first as {lines[0].image}"
        )
    offers = offers_beside([folder], (Target(tags=line.tags) for line in lines))
    there = those_there(
        [line.image for line in lines],
        found,
        place,
        lambda i: f"{lines[i].where}: image {root / lines[i].image}",
    )
    files = tuple(found[lines[i].image] for i in there.positions)
    targets = tuple(Target(tags=lines[i].tags) for i in there.positions)
    return Dataset(
        name=f"tag_annotations:{path}",
        revision=revision_of(files, place, contents=[("annotations", digest_of_strings([text]))]),
        offers=offers,
        examples=file_examples(files, targets),
        reading=Reading("tag_annotations", f"{form} of {file.name}", lacks=there.lacks),
    )


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
        if not stem.strip():
            raise DataError(f"{where}: {line!r} names no image; write `image,tag,tag`")
        name = posixpath.normpath(stem.strip())
        if posixpath.isabs(name) or name.split("/")[0] == "..":
            raise DataError(f"{where}: {stem!r} leads out of the folder; give a path inside it")
        if posixpath.splitext(name)[1].lower() not in IMAGE_SUFFIXES:
            name += JPEG
        if first_seen.setdefault(name, number) != number:
            raise DataError(
                f"{where}: {name} is named on line {first_seen[name]} already; put its tags on one line"
            )
        tags = behind.split(",") if behind else []
        yield Line(where, name, _indices(behind, where) if form == "indices" else _names(tags, where))


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
