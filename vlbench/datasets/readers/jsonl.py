"""The source `jsonl`: images with a `metadata.jsonl` beside them, as Hugging Face's imagefolder has it."""

import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlbench.core.contracts import Dataset, Place, Target
from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError
from vlbench.core.reading import Reading, Tally
from vlbench.datasets.readers.absent_images import those_there
from vlbench.datasets.readers.annotation import (
    CAPTION_FIELDS,
    NEGATIVE_TAGS,
    UNKNOWN_TAGS,
    names_file,
    offers_beside,
    read_text,
    target_of,
)
from vlbench.datasets.readers.file_listing import find_files, names_below, revision_of
from vlbench.datasets.readers.image_file import IMAGE_SUFFIXES, file_examples
from vlbench.datasets.readers.location import locate

METADATA = "metadata.jsonl"
FILE_NAME = "file_name"
READ_FIELDS = frozenset(("label", *CAPTION_FIELDS, "tags", UNKNOWN_TAGS, NEGATIVE_TAGS, "group"))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the metadata: its number, the image it names, what it says of it."""

    number: int
    file_name: str
    target: Target
    fields: tuple[str, ...]


def jsonl(place: Place, /, *, path: str, metadata: str | None = None) -> Dataset:
    """Images named by the lines of a JSON Lines file, in the order of the lines.

    A line is an object: `file_name` (relative to the folder of images) with any of `label` (string or
    index), `captions` (a list or a string; `caption` or `text` too), `tags` (a list) and `group`. Beside tags
    may stand `unknown_tags`, of which nobody knows, or `negative_tags`, which are known to be false: then all
    that stand in neither list are unknown. Other fields are left alone. Names come from a `names.txt` (or
    `classnames.txt`) beside the images, else from the labels or tags, sorted; templates from a
    `templates.txt`.

    Args:
        place: where to look.
        path: the folder of the images.
        metadata: the JSON Lines file, where it is not `metadata.jsonl` in that folder: a path relative
            to the folder, to a data root or to the card.

    Raises:
        SourceMissing: no such folder or file.
        DataError: a line that is wrong, or an image that does not lie there; file and line are named.
    """
    if metadata is None:
        root = locate(place, path, wanted=METADATA, holds=lambda each: (each / METADATA).is_file())
        file = root / METADATA
    else:
        root = locate(place, path, wanted="folder of images", holds=Path.is_dir)
        beside = Place(roots=(root, *place.roots), card_folder=place.card_folder)
        file = locate(beside, metadata, wanted="metadata file", holds=Path.is_file)
    text = read_text(file)
    tally = Tally(str(file.parent))
    lines = list(_lines(text, file, tally))
    if not lines:
        raise DataError(f"{file} has no line; add one for each image")
    found = find_files(root, (line.file_name for line in lines))
    offers = offers_beside([root], (line.target for line in lines))
    there = those_there(
        [line.file_name for line in lines],
        found,
        place,
        lambda i: f"{file}:{lines[i].number}: image {root / lines[i].file_name}",
    )
    lines = [lines[i] for i in there.positions]
    for name in names_below(root):
        if posixpath.splitext(name)[1].lower() in IMAGE_SUFFIXES and name not in found:
            tally.leave_out(f"images without a line in {file.name}", name)
    targets = tuple(line.target for line in lines)
    files = tuple(found[line.file_name] for line in lines)
    return Dataset(
        name=f"jsonl:{path}",
        revision=revision_of(files, place, contents=[(file.name, digest_of_strings([text]))]),
        offers=offers,
        examples=file_examples(files, targets),
        reading=Reading(
            layout="jsonl",
            labels=_labels(lines, file, names_file(root)),
            left_out=tally.left_out,
            lacks=there.lacks,
        ),
    )


def _labels(lines: Sequence[Line], file: Path, names: Path | None) -> str:
    """The fields that say what is true, and those that are nobody's business."""
    fields = dict.fromkeys(each for line in lines for each in line.fields)
    read = [each for each in fields if each in READ_FIELDS]
    others = [each for each in fields if each not in READ_FIELDS]
    said = f"{', '.join(read) or 'none'} of {file.name}"
    beside = f", names in {names.name}" if names else ""
    return said + beside + (f"; left alone: {', '.join(others)}" if others else "")


def _lines(text: str, file: Path, tally: Tally) -> Iterator[Line]:
    first_seen: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{file}:{number}"
        try:
            record = json.loads(line)
        except ValueError as error:
            raise DataError(f"{where}: not JSON ({error}); correct the line") from error
        if not isinstance(record, dict):
            raise DataError(f'{where}: not a JSON object; write {{"file_name": ...}}')
        name = _file_name(record, where)
        if first_seen.setdefault(name, number) != number:
            raise DataError(
                f"{where}: {name} is named on line {first_seen[name]} already; put all of it on one line"
            )
        fields = tuple(each for each in record if each != FILE_NAME)
        yield Line(number, name, target_of(record, where, tally), fields)


def _file_name(record: Mapping[str, object], where: str) -> str:
    value = record.get(FILE_NAME)
    if value is None:
        raise DataError(
            f"{where}: has no {FILE_NAME}, but {', '.join(record) or 'nothing'}; "
            "name the image's relative path so"
        )
    if not isinstance(value, str) or not value:
        raise DataError(f"{where}: file_name {value!r} is no name of an image; give its relative path")
    name = posixpath.normpath(value)
    if posixpath.isabs(name) or name.split("/")[0] == "..":
        raise DataError(f"{where}: file_name {value!r} leads out of the folder; give a path inside it")
    return name
