"""Downloads one file: resumed after an interruption, verified, and renamed into place when complete."""

import fcntl
import glob
import hashlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Protocol
from urllib.error import HTTPError, URLError

from vlbench.core.errors import DataError
from vlbench.core.files import naming_file, sweep
from vlbench.core.web_answer import PASSING, Address, Pace, open_answer, without_secrets

CHUNK = 1 << 20
TIMEOUT = 30
"""Seconds in each of which a connection has to bring `LEAST` bytes, or counts as lost."""
LEAST = 1 << 14
TRIES = 5
"""Attempts in a row, each of which brings fewer than `LEAST` bytes, before it is given up."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
"""The first and the longest wait between attempts in seconds; it doubles each time."""
PARTIAL_CONTENT = 206
RANGE_REFUSED = 416

Progress = Callable[[int], object]
"""A function that is called with the number of received bytes (negative: discarded bytes)."""


class Refused(Exception):
    """A server's response that is not the file; `code` is the hub's own error code, if it sends one."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message or f"HTTP {status}")
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository: its size in bytes, and the digest that it is verified with.

    `sha256` is that of the bytes; for small files, `blob_id` is git's SHA-1 instead.
    """

    name: str
    size: int
    sha256: str | None = None
    blob_id: str | None = None

    @property
    def digest(self) -> str:
        """The digest of its content: the SHA-256, else git's id."""
        return self.sha256 or self.blob_id or ""

    def new_hash(self) -> "Hash":
        """A new hash of the kind of its digest."""
        if self.sha256 is None and self.blob_id is not None:
            return hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False)
        return hashlib.sha256()


class Hash(Protocol):
    """A hash object of hashlib."""

    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


def partial_path(file: RemoteFile, destination: Path) -> Path:
    """The path of the partial download: next to the file, under a hidden name with its digest."""
    return destination.with_name(f".{destination.name}.{file.digest[:12]}.part")


def download(
    file: RemoteFile,
    url: str,
    destination: Path,
    *,
    headers: Mapping[str, str],
    report: Progress,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Download a file to a path. What an earlier call left is kept, and the rest is requested by range.

    Raises:
        Refused: the server answers with something else than the file.
        DataError: the connection is lost for good (what came is kept), another process fetches the same
            file, or the bytes are not those that were stated (they are removed).
        OSError: it cannot be written; the error names it, and what came is kept.
    """
    address = _address(url)
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_path(file, destination)
    with naming_file(partial), partial.open("ab+") as stream:
        if not _is_ours(stream, partial):
            raise DataError(f"{partial}: another process fetches this file; run this again when it is done")
        _complete(_Transfer(stream, file, address, headers, report), sleep)
        os.fsync(stream.fileno())
        found = digest_of_file(file, partial)
        if file.digest and found != file.digest:
            partial.unlink()
            report(-file.size)
            raise DataError(
                f"{address.shown}: the bytes that came have the digest {found} where {file.digest} is "
                "stated; they are removed, run this again"
            )
        partial.replace(destination)
    sweep(destination.parent, f".{glob.escape(destination.name)}.*.part")  # of other contents, given up


def _is_ours(stream: IO[bytes], partial: Path) -> bool:
    """Whether no other process writes the file, or has just renamed it."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a disk without locks
    return partial.exists()


def _address(url: str) -> Address:
    try:
        return Address.of(url)
    except ValueError:
        raise DataError(f"{without_secrets(url)!r} is no http address; correct HF_ENDPOINT") from None


def digest_of_file(file: RemoteFile, path: Path) -> str:
    """The digest of the bytes at a path, of the kind of the file's digest."""
    state = file.new_hash()
    with path.open("rb") as stream:
        while data := stream.read(CHUNK):
            state.update(data)
    return state.hexdigest()


@dataclass(slots=True)
class _Transfer:
    """The transfer of a file into a stream, attempt by attempt; `have` counts the received bytes."""

    stream: IO[bytes]
    file: RemoteFile
    address: Address
    headers: Mapping[str, str]
    report: Progress
    have: int = 0

    def begin(self) -> None:
        """Continue what an earlier call left."""
        self.have = self.stream.seek(0, os.SEEK_END)
        self.report(self.have)
        if self.have > self.file.size:
            self.empty()

    def empty(self) -> None:
        """Discard the received bytes."""
        self.stream.truncate(0)
        self.report(-self.have)
        self.have = 0

    def attempt(self) -> "_Lost | None":
        """Read from one connection to its end. Returns why the file is not complete, or None.

        Raises:
            Refused: the server refuses in a way that another attempt would not change.
        """
        try:
            with _opened(self.address, self.headers, self.have) as response:
                if self.have and response.status != PARTIAL_CONTENT:
                    self.empty()  # the server sends it from the start
                while self.have < self.file.size:
                    data = response.read1(min(CHUNK, self.file.size - self.have))
                    if not data:
                        return _Lost("the connection ended early")
                    self.append(data)
        except HTTPError as error:
            with error:
                if error.code == RANGE_REFUSED and self.have:
                    self.empty()
                elif error.code not in PASSING:
                    raise _refused(error) from None
                return _Lost(f"HTTP {error.code}", _asked_wait(error.headers))
        except _DiskError as error:
            raise error.reason from None
        except (OSError, HTTPException) as error:
            reason = error.reason if isinstance(error, URLError) else error
            return _Lost(str(reason) or type(reason).__name__)
        return None

    def append(self, data: bytes) -> None:
        """Write received bytes."""
        try:
            self.stream.write(data)
            self.stream.flush()
        except OSError as error:
            raise _DiskError(error) from error
        self.have += len(data)
        self.report(len(data))


@dataclass(frozen=True, slots=True)
class _Lost:
    """Why a connection ended early, and how many seconds the server asks to wait."""

    reason: str
    wait: float = 0.0


class _DiskError(Exception):
    """A failure of this machine's disk, not of the network."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _complete(transfer: _Transfer, sleep: Callable[[float], None]) -> None:
    """Attempt until the file is whole, with a wait between any two; those that bring much do not count."""
    transfer.begin()
    left, wait = TRIES, FIRST_WAIT
    while transfer.have < transfer.file.size:
        before = transfer.have
        lost = transfer.attempt()
        if lost is None:
            return
        if transfer.have >= before + LEAST:
            left, wait = TRIES, FIRST_WAIT
        left -= 1
        if left == 0:
            raise DataError(
                f"{transfer.address.shown}: {lost.reason}, after {transfer.have:,} of "
                f"{transfer.file.size:,} bytes; run this again later: it goes on from there"
            )
        sleep(min(max(wait, lost.wait), LONGEST_WAIT))
        wait *= 2


def _opened(address: Address, headers: Mapping[str, str], start: int) -> HTTPResponse:
    asked = {**headers, **({"Range": f"bytes={start}-"} if start else {})}
    return open_answer(address.request(asked), Pace(TIMEOUT, LEAST), follow=True)


def _refused(error: HTTPError) -> Refused:
    code = error.headers.get("X-Error-Code", "")
    return Refused(error.code, code, error.headers.get("X-Error-Message", "") or str(error.reason))


def _asked_wait(headers: Message) -> float:
    """The seconds that the server asks to wait; 0 if it states none."""
    stated = headers.get("Retry-After", "")
    return float(stated) if stated.isascii() and stated.isdigit() else 0.0
