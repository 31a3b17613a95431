"""What a tar of samples contains and where, from one pass over its headers; the cache keeps it."""

import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, field
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np
from numpy.lib.format import read_array

from vlbench.core.contracts import Target
from vlbench.core.damage import reading
from vlbench.core.errors import DataError
from vlbench.core.files import remembered
from vlbench.core.json_text import parsed_json
from vlbench.core.reading import LeftOut, Tally
from vlbench.core.text_file import unpacked
from vlbench.datasets.readers.annotation import CAPTION_FIELDS, target_of
from vlbench.datasets.readers.file_listing import FoundFile
from vlbench.datasets.readers.image_file import IMAGE_SUFFIXES
from vlbench.datasets.readers.text_records import data_lines

LAYOUT = 5
"""Version of the stored index."""
BLOCK = 512
"""A tar consists of blocks of this many bytes, and ends with blocks of zeros."""
LONGEST_ANNOTATION = 2**24
_AGAIN = "fetch or pack it again"
ANNOTATIONS = frozenset(("cls", "txt", "json", "npy"))
TEXT = "txt"
MARKS = "marks"
"""The field for the length of a `.npy`, until it is compared with the number of tags."""


@dataclass(frozen=True, slots=True)
class TarSample:
    """A key of a tar, the position of its image's bytes, and the annotations in the other members of the key.

    `marks` is the length of its row of marks, one for each tag; 0 without one.
    """

    key: str
    member: str
    offset: int
    size: int
    target: Target
    marks: int = 0


TarIndex = tuple[Sequence[TarSample], Sequence[LeftOut]]
"""The samples of a tar in its order, and the members that belong to none."""


@dataclass(slots=True)
class _Gathered:
    """The members of one key while a tar is read."""

    images: list[tuple[str, int, int]] = field(default_factory=list)
    said: dict[str, object] = field(default_factory=dict)


def index_of(file: FoundFile, cache: Path | None) -> TarIndex:
    """The index of a tar. The cache keeps it under the tar's path, size and time.

    Raises:
        DataError: it is not a plain tar, it is truncated, a key has no image or two, or an annotation does
            not match its suffix.
    """
    key = f"tar index|{LAYOUT}|{file.state}"
    samples, left_out = parsed_json(remembered(key, cache, lambda: _packed(_read_index(file))))
    return [_sample(each) for each in samples], [LeftOut(*each) for each in left_out]


def text_in_tar(path: Path, name: str) -> str:
    """The text of one member of a small tar that gzip packed.

    Raises:
        DataError: it is damaged, unpacks to far more than its size, or has no such member.
    """
    with reading(path, "no packed tar, or damaged", _AGAIN):
        stream = BytesIO(unpacked(path))
        for member in _members(stream, str(path)):
            if member.name == name:
                stream.seek(member.offset_data)
                return stream.read(member.size).decode()
    raise DataError(f"{path}: holds no {name}; {_AGAIN}")


def _packed(index: TarIndex) -> str:
    """An index as JSON: the field values of its samples, and what is left out."""
    return json.dumps([list(map(astuple, each)) for each in index])


def _sample(row: Sequence[Any]) -> TarSample:
    key, member, offset, size, of_target, marks = row
    values: list[Any] = [tuple(each) if isinstance(each, list) else each for each in of_target]
    return TarSample(key, member, offset, size, Target(*values), marks)


def _read_index(file: FoundFile) -> TarIndex:
    gathered: dict[str, _Gathered] = {}
    tally = Tally(str(Path(file.path).parent))
    with reading(file.path, "no plain tar, or damaged", _AGAIN), Path(file.path).open("rb") as stream:
        for member in _members(stream, file.path):
            named = _key_and_suffix(member.name)
            if named is None:
                tally.leave_out("members that are neither image nor annotation", member.name)
                continue
            key, suffix = named
            if not key:
                continue
            parts = gathered.setdefault(key, _Gathered())
            if f".{suffix}" in IMAGE_SUFFIXES:
                parts.images.append((member.name, member.offset_data, member.size))
            else:
                _annotate(parts, member, suffix, stream, f"{file.path}: {member.name}", tally)
    samples = [
        _finished(key, parts, file.path, tally)
        for key, parts in gathered.items()
        if not _is_further(key, parts, gathered, tally)
    ]
    return samples, tally.left_out


def _key_and_suffix(member: str) -> tuple[str, str] | None:
    """The key and the lower-case suffix of a member; an empty key for a hidden file, None for other files.

    A key ends at the first dot of the name, as in webdataset, or at the last dot if no known suffix follows
    the first.

    >>> _key_and_suffix("a/photo.JPG"), _key_and_suffix("photo 1.1 v.png"), _key_and_suffix("a.mp4")
    (('a/photo', 'jpg'), ('photo 1.1 v', 'png'), None)
    """
    path = PurePosixPath(member)
    if path.name.startswith("."):
        return "", ""
    for stem, _, suffix in (path.name.partition("."), path.name.rpartition(".")):
        if stem and (f".{suffix.lower()}" in IMAGE_SUFFIXES or suffix.lower() in ANNOTATIONS):
            return str(path.parent / stem), suffix.lower()
    return None


def _is_further(key: str, parts: _Gathered, gathered: dict[str, _Gathered], tally: Tally) -> bool:
    """Whether a key with a dot is a further part of a sample (`0.mask.png` next to `0.png`).

    An image with its own annotation is a sample.
    """
    path = PurePosixPath(key)
    stem, dot, _ = path.name.partition(".")
    sample = gathered.get(str(path.parent / stem)) if dot else None
    if sample is None or not sample.images or (parts.images and parts.said):
        return False
    tally.leave_out("members that are further parts of a sample", key)
    return True


def _members(stream: BinaryIO, path: str) -> Iterator[tarfile.TarInfo]:
    end = 0
    with tarfile.open(fileobj=stream, mode="r:", encoding="utf-8", errors="strict") as archive:
        for member in archive:
            if member.size < 0:  # the next one would be this one again
                raise DataError(f"{path}: {member.name} states {member.size} bytes; {_AGAIN}")
            end = member.offset_data + -(-member.size // BLOCK) * BLOCK
            if member.isfile() and member.sparse is None:
                yield member
            elif not member.isdir():
                raise DataError(
                    f"{path}: {member.name} is a link, a device or a file with holes; pack the file itself"
                )
    stream.seek(end)
    if stream.read(BLOCK) != bytes(BLOCK):
        raise DataError(f"{path} is cut short at byte {end}; {_AGAIN}")


def _annotate(
    parts: _Gathered, member: tarfile.TarInfo, suffix: str, stream: BinaryIO, where: str, tally: Tally
) -> None:
    """Add the content of a member to its key."""
    if member.size > LONGEST_ANNOTATION:
        raise DataError(f"{where} has {member.size} bytes, too many for an annotation; remove it")
    stream.seek(member.offset_data)  # the tar is read on from its own offset
    with reading(where, f"no {suffix} annotation", "pack the tar again", also=(DataError,)):
        said = _said(suffix, stream.read(member.size))
    if said is None:
        tally.leave_out("JSON members that hold no object", where)
        return
    for name, value in said.items():
        before = value if value is None else parts.said.setdefault(name, value)
        if before != value and name in ("label", "tags"):
            raise DataError(f"{where}: {name} {value!r} contradicts {before!r} beside it; remove one")


def _said(suffix: str, data: bytes) -> dict[str, object] | None:
    """The fields in an annotation; None for JSON that is not an object."""
    if suffix == "cls":
        return {"label": int(data.decode())}
    if suffix == "txt":
        return {TEXT: data_lines(data.decode("utf-8")) or [""]}
    if suffix == "npy":
        marks: Any = np.ravel(read_array(BytesIO(data), allow_pickle=False))
        if not np.isin(marks, (-1, 0, 1)).all():
            raise ValueError("it holds other values than 0, 1 and -1, and is no row of marks of tags")
        return {"tags": [int(each) for each in np.flatnonzero(marks > 0)], MARKS: len(marks)}
    record = parsed_json(data)
    return record if isinstance(record, dict) else None


def _finished(key: str, parts: _Gathered, path: str, tally: Tally) -> TarSample:
    if len(parts.images) != 1:
        what = f"{len(parts.images)} images" if parts.images else "no image"
        raise DataError(f"{path}: key {key} has {what}; pack one image for each key")
    member, offset, size = parts.images[0]
    where = f"{path}: key {key}"
    said = parts.said
    if TEXT in said:
        others = [said[name] for name in CAPTION_FIELDS if said.get(name) is not None]
        if others and _words(others[0]) != _words(said[TEXT]):
            tally.leave_out("captions of a .json beside those of a .txt", where)
        said = {**said, CAPTION_FIELDS[0]: said[TEXT]}
    marks = said.get(MARKS)
    target = target_of(said, where, tally)
    return TarSample(key, member, offset, size, target, marks if isinstance(marks, int) else 0)


def _words(captions: object) -> list[str]:
    return " ".join(map(str, captions if isinstance(captions, list) else [captions])).split()
