"""Features on disk, by content key: appended batch by batch, verified before they are read."""

import json
import math
import os
import struct
import time
import uuid
from collections.abc import Iterator, KeysView, Sequence
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from vlbench.core.errors import DataError
from vlbench.core.files import naming_file
from vlbench.core.in_use import shared_use
from vlbench.core.json_text import parsed_json
from vlbench.engine.chunk import Features

SEGMENT = ".features"
"""How the files of a space end."""
MAGIC = b"vlbench1"
HEAD = struct.Struct("<8sIQ16s")
"""The head of a record: magic bytes, length of the JSON header, length of the payload, digest of both."""
MAPPED_BYTES = 2**20
"""A batch of at least this many bytes is read back from its file instead of kept in memory."""
FSYNC_SECONDS = 2.0
"""How many seconds of finished work a power cut may lose. A killed process loses none."""


@dataclass(slots=True)
class FeatureSpace(AbstractContextManager["FeatureSpace"]):
    """The features of one encoder side: a folder of segment files, one of them written by this process.

    Several processes may write at once; each appends to its own segment. `model` is the name of the model
    that fills the space, which is stored beside the features. Nobody may empty a space while it is open.
    """

    folder: Path
    model: str = ""
    _records: list[Features] = field(default_factory=list)
    _places: dict[str, tuple[int, int]] = field(default_factory=dict)
    _file: BinaryIO | None = None
    _synced: float = 0.0
    _use: "finalize[[int], FeatureSpace] | None" = None

    def __post_init__(self) -> None:
        if self.folder.is_dir():
            self._begin_use()
        for segment in sorted(filter(Path.is_file, self.folder.glob(f"*{SEGMENT}"))):
            with suppress(FileNotFoundError):  # gone meanwhile, where the file system has no locks
                for record in read_segment(segment):
                    self._enter(record.keys, record.features)

    def __exit__(self, *_: object) -> None:
        self.close()

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    @property
    def keys(self) -> KeysView[str]:
        """All keys of what is stored."""
        return self._places.keys()

    @property
    def row_bytes(self) -> int:
        """Bytes of one row of features; 0 where nothing is stored."""
        return 4 * math.prod(self._records[0].shape[1:]) if self._records else 0

    def append(self, keys: Sequence[str], features: Features, of: str = "") -> None:
        """Store the features [b, ...] of b keys; a process killed after this call has lost nothing.

        `of` names the data that they are of, which is stored beside them.

        Raises:
            OSError: they cannot be written; the error names the file, which holds what it held.
        """
        if self._file is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._begin_use()
            path = self.folder / f"{uuid.uuid4().hex}{SEGMENT}"
            self._file = path.open("xb", buffering=0)
            self._synced = time.monotonic()
        features = np.ascontiguousarray(features, dtype="<f4")
        told = {"keys": list(keys), "shape": list(features.shape), "model": self.model, "of": of}
        header = json.dumps(told).encode()
        body = header + features.tobytes()
        digest = blake2b(body, digest_size=16).digest()
        with naming_file(Path(self._file.name)):
            _write_whole(self._file, HEAD.pack(MAGIC, len(header), features.nbytes, digest) + body)
            if features.nbytes >= MAPPED_BYTES:
                start = self._file.tell() - features.nbytes
                data = np.memmap(self._file.name, dtype=np.uint8, mode="r", offset=start)
                features = _as_float(data, list(features.shape))
            if time.monotonic() - self._synced > FSYNC_SECONDS:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        self._enter(keys, features)

    def gather(self, keys: Sequence[str], *, padded: bool = False) -> Features:
        """The features of keys, [n, ...] in their order.

        With `padded`, features of several rows become [n, k, ...], where k is that of the longest and zeros
        pad the others.

        Raises:
            DataError: features differ in shape and `padded` is false, or differ in more than k.
        """
        if not keys:
            return np.zeros((0,), dtype=np.float32)
        numbers = {self._places[key][0] for key in keys}
        shapes = sorted({self._records[number].shape[1:] for number in numbers})
        longest = shapes[-1]
        if len(shapes) > 1 and not (padded and len(shapes[0]) > 1 and len({s[1:] for s in shapes}) == 1):
            found = f"{shapes[0]} and {longest}"
            raise DataError(f"{self.folder}: features of shapes {found} under one key; delete that folder")
        gathered = np.empty((len(keys), *longest), dtype=np.float32)
        for number, chosen, rows in self._by_record(keys):
            features = self._records[number]
            if features.shape[1:] == longest:
                gathered[chosen] = features[rows]
            else:
                filled = features.shape[1]
                gathered[chosen, :filled] = features[rows]
                gathered[chosen, filled:] = 0
        return gathered

    def leading(self, keys: Sequence[str]) -> NDArray[np.int64]:
        """The first eight bytes of the features of each key, [n], without reading whole features."""
        found = np.zeros(len(keys), dtype=np.int64)
        for number, chosen, rows in self._by_record(keys):
            found[chosen] = leading_bytes(self._records[number])[rows]
        return found

    def close(self) -> None:
        """Flush appended features to the disk."""
        if self._file is not None:
            file, self._file = self._file, None
            with naming_file(Path(file.name)), closing(file):
                os.fsync(file.fileno())
        if self._use is not None:
            self._use()
            self._use = None

    def _begin_use(self) -> None:
        if self._use is None:
            with suppress(OSError):  # nobody empties what cannot be written
                self._use = finalize(self, os.close, shared_use(self.folder))

    def _by_record(self, keys: Sequence[str]) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
        """Each record that holds some of the keys: its number, the positions of these keys, and their rows in
        it."""
        if not keys:
            return
        places = np.array([self._places[key] for key in keys], dtype=np.int64)  # [n, 2]
        order = np.argsort(places[:, 0], kind="stable")
        starts = np.flatnonzero(np.diff(places[order, 0], prepend=-1))
        for chosen in np.split(order, starts[1:]):
            yield int(places[chosen[0], 0]), chosen, places[chosen, 1]

    def _enter(self, keys: Sequence[str], features: Features) -> None:
        number = len(self._records)
        self._records.append(features)
        for row, key in enumerate(keys):
            self._places.setdefault(key, (number, row))


def leading_bytes(features: Features) -> NDArray[np.int64]:
    """The first eight bytes of each row of features [n, ...] as a number, [n]; zeros fill a shorter row."""
    found = np.zeros((len(features), 2), dtype=np.float32)
    rows = features.reshape(len(features), math.prod(features.shape[1:]))[:, :2]
    found[:, : rows.shape[1]] = rows
    return found.view(np.int64)[:, 0]


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A batch of features [b, ...] under b keys, by which model and of which data; empty where nobody told.

    `size` is in bytes on disk.
    """

    keys: list[str]
    features: Features
    model: str
    of: str
    size: int


def read_segment(path: Path, *, verify: bool = True) -> Iterator[StoredBatch]:
    """The records in a segment. Damaged and incomplete records are skipped, damaged ones unless told not to
    `verify`.
    """
    size = path.stat().st_size
    if size < HEAD.size:
        return
    with naming_file(path):
        data = np.memmap(path, dtype=np.uint8, mode="r")
    start = 0
    while start + HEAD.size <= size:
        magic, header_size, payload_size, digest = HEAD.unpack(data[start : start + HEAD.size].tobytes())
        middle = start + HEAD.size + header_size
        stop = middle + payload_size
        if magic != MAGIC or stop > size:
            return
        if not verify or blake2b(data[start + HEAD.size : stop].data, digest_size=16).digest() == digest:
            told = parsed_json(data[start + HEAD.size : middle].tobytes())
            features = _as_float(data[middle:stop], told["shape"])
            yield StoredBatch(told["keys"], features, told.get("model", ""), told.get("of", ""), stop - start)
        start = stop


def _write_whole(file: BinaryIO, data: bytes) -> None:
    """Append a record, or nothing: behind a torn one, later ones would not be found."""
    start, rest = file.tell(), memoryview(data)
    try:
        while rest:  # an unbuffered file may take less than it is given, on a full disk or of 2 GB
            rest = rest[file.write(rest) :]
    except OSError:
        file.truncate(start)
        file.seek(start)
        raise


def _as_float(payload: NDArray[np.uint8], shape: list[int]) -> Features:
    # a record may start at any byte; unaligned views are legal and copied when gathered
    return np.frombuffer(payload, dtype="<f4").reshape(shape)
