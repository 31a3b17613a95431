"""What lies where in a tar of samples, found by one pass over its headers and remembered."""

import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np

from vlbench.core.contracts import Target
from vlbench.core.digest import digest_of
from vlbench.core.errors import DataError
from vlbench.core.files import write_atomically
from vlbench.sources.annotation import captions_of_text, target_of
from vlbench.sources.file_listing import FoundFile
from vlbench.sources.image_file import IMAGE_SUFFIXES

LAYOUT = 2
"""Version of the remembered index."""
BLOCK = 512
"""Tars are made of blocks of this many bytes, and end with blocks of zeros."""
LONGEST_ANNOTATION = 2**24


@dataclass(frozen=True, slots=True)
class Sample:
    """A key of a tar, where its image's bytes lie, and what the other members of the key say of it."""

    key: str
    member: str
    offset: int
    size: int
    target: Target


@dataclass(slots=True)
class _Gathered:
    """Members of one key while a tar is read."""

    images: list[tuple[str, int, int]] = field(default_factory=list)
    said: dict[str, object] = field(default_factory=dict)


def index_of(file: FoundFile, cache: Path | None) -> list[Sample]:
    """The samples of a tar in its order; remembered in the cache by the tar's path, size and time.

    Raises:
        DataError: no plain tar, one that is cut short, a key without an image or with two, or an
            annotation that is not what its suffix says.
    """
    if cache is None:
        return _read_index(file)
    path = cache / "tar-index" / f"{digest_of([LAYOUT, file.state])}.json"
    remembered = _recall(path, file.state)
    if remembered is not None:
        return remembered
    samples = _read_index(file)
    rows = [
        [
            each.key,
            each.member,
            each.offset,
            each.size,
            each.target.label,
            each.target.captions,
            each.target.tags,
            each.target.group,
        ]
        for each in samples
    ]
    entry = {"state": file.state, "samples": rows, "digest": digest_of(rows)}
    write_atomically(path, json.dumps(entry, ensure_ascii=False, separators=(",", ":")))
    return samples


def _recall(path: Path, state: str) -> list[Sample] | None:
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        if entry["state"] != state or entry["digest"] != digest_of(entry["samples"]):
            return None
        return [_sample(*row) for row in entry["samples"]]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _sample(
    key: str,
    member: str,
    offset: int,
    size: int,
    label: str | int | None,
    captions: Sequence[str],
    tags: Sequence[str | int] | None,
    group: str,
) -> Sample:
    target = Target(
        label=label, captions=tuple(captions), tags=None if tags is None else tuple(tags), group=group
    )
    return Sample(key=key, member=member, offset=offset, size=size, target=target)


def _read_index(file: FoundFile) -> list[Sample]:
    gathered: dict[str, _Gathered] = {}
    try:
        with Path(file.path).open("rb") as stream:
            for member in _members(stream, file.path):
                path = PurePosixPath(member.name)
                stem, _, suffix = path.name.partition(".")
                if stem:
                    key = str(path.parent / stem)
                    _gather(gathered.setdefault(key, _Gathered()), member, suffix.lower(), stream, file.path)
    except (tarfile.TarError, OSError, EOFError, UnicodeError) as error:
        raise DataError(
            f"{file.path} is no plain tar, or damaged ({error}); fetch or pack it again"
        ) from error
    return [_finished(key, parts, file.path) for key, parts in gathered.items() if parts.images or parts.said]


def _members(stream: BinaryIO, path: str) -> Iterator[tarfile.TarInfo]:
    end = 0
    with tarfile.open(fileobj=stream, mode="r:", encoding="utf-8", errors="strict") as archive:
        for member in archive:
            end = member.offset_data + -(-member.size // BLOCK) * BLOCK
            if member.isfile():
                yield member
            elif not member.isdir():
                raise DataError(f"{path}: {member.name} is a link or a device; pack the file itself")
    stream.seek(end)
    if stream.read(BLOCK) != bytes(BLOCK):
        raise DataError(f"{path} is cut short at byte {end}; fetch or pack it again")


def _gather(parts: _Gathered, member: tarfile.TarInfo, suffix: str, stream: BinaryIO, path: str) -> None:
    if f".{suffix}" in IMAGE_SUFFIXES:
        parts.images.append((member.name, member.offset_data, member.size))
        return
    if suffix not in ("cls", "txt", "json", "npy"):
        return
    where = f"{path}: {member.name}"
    if member.size > LONGEST_ANNOTATION:
        raise DataError(f"{where} has {member.size} bytes, too many for an annotation; remove it")
    here = stream.tell()
    stream.seek(member.offset_data)
    data = stream.read(member.size)
    stream.seek(here)
    try:
        parts.said.update(_said(suffix, data))
    except (ValueError, EOFError) as error:
        raise DataError(f"{where} is no {suffix} annotation ({error}); pack the tar again") from error


def _said(suffix: str, data: bytes) -> dict[str, object]:
    if suffix == "cls":
        return {"label": int(data.decode())}
    if suffix == "txt":
        return {"captions": captions_of_text(data.decode("utf-8"))}
    if suffix == "npy":
        marks: Any = np.load(BytesIO(data), allow_pickle=False)
        return {"tags": [int(each) for each in np.flatnonzero(np.ravel(marks) > 0)]}
    record = json.loads(data)
    return record if isinstance(record, dict) else {}


def _finished(key: str, parts: _Gathered, path: str) -> Sample:
    if len(parts.images) != 1:
        what = f"{len(parts.images)} images" if parts.images else "no image"
        raise DataError(f"{path}: key {key} has {what}; pack one image for each key")
    member, offset, size = parts.images[0]
    target = target_of(parts.said, f"{path}: key {key}")
    return Sample(key=key, member=member, offset=offset, size=size, target=target)
