"""Files: atomic writes, checksummed files, paths as messages show them, and remembered digests."""

import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from vlbench.core.digest import HEX, digest_of, digest_of_bytes, digest_of_strings, sha256_of_file
from vlbench.core.errors import DataError
from vlbench.core.json_text import parsed_json
from vlbench.core.outside_name import wrong_path

PASSING = ".vlbench-passing"
"""How the name of what is half-written ends."""
_swept: set[Path] = set()
"""Folders that this process has swept: each is looked through once."""
_CHECKED = b"vlbench-checked "
"""The first bytes of a checksummed file; the digest, a line feed and the content follow."""
_LONGEST = 224
"""Letters of a file's name, so that disks of 255 have room for what it ends with."""
_HALF_HOUR = 1800.0


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write a file under a temporary name, flush it to disk and rename it into place; the umask is kept.

    Raises:
        DataError: a folder lies there.
        OSError: it cannot be written; the error names it.
    """
    with passing(path) as (temporary, handle):
        try:
            with os.fdopen(handle, "wb", closefd=False) as file:
                file.write(data.encode() if isinstance(data, str) else data)
                file.flush()
                os.fsync(handle)
            temporary.replace(path)
        except IsADirectoryError as error:
            raise DataError(f"{path}: a folder lies where a file belongs; move or delete it") from error


@contextmanager
def naming_file(path: Path) -> Iterator[None]:
    """Name a file in what the disk raises of it: writing and flushing name none, renaming another."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


@contextmanager
def passing(path: Path, *, folder: bool = False) -> Iterator[tuple[Path, int]]:
    """A new file, or folder, beside a path, to be renamed to it, and its open descriptor.

    It is removed unless it was renamed. What dead processes left beside it is removed first: a live one
    holds a lock on its own, which ends with the process, however that ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with naming_file(path):
        if path.parent not in _swept:
            _swept.add(path.parent)
            sweep(path.parent)
        temporary, handle = _locked(path, folder)
        try:
            yield temporary, handle
        finally:
            os.close(handle)
            _remove(temporary)


def sweep(folder: Path, pattern: str = f".*{PASSING}") -> None:
    """Remove what dead processes left half-written in a folder; what a live one has locked stays."""
    for leftover in folder.glob(pattern):
        with suppress(OSError):  # a live process has it, or it is gone, or another user's
            handle = os.open(leftover, os.O_RDONLY if leftover.is_dir() else os.O_RDWR)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(leftover)
            finally:
                os.close(handle)


def _locked(path: Path, folder: bool) -> tuple[Path, int]:  # noqa: FBT001 - handed on
    while True:
        temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}{PASSING}")
        if folder:
            temporary.mkdir()
        handle = os.open(temporary, os.O_RDONLY if folder else os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # one that sweeps was quicker
            os.close(handle)
            continue
        except OSError:
            pass  # a disk without locks, where nobody sweeps either
        if temporary.exists():
            return temporary, handle
        os.close(handle)


def _remove(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)


def write_checked(path: Path, content: bytes | str) -> None:
    """Write a file for `read_checked`: it begins with a digest of its content and of its own name.

    Raises:
        DataError: there is a folder with this name.
    """
    data = content.encode() if isinstance(content, str) else content
    write_atomically(path, _CHECKED + _checksum(path, data) + b"\n" + data)


def read_checked(path: Path, *, use: bool = True) -> bytes | None:
    """The content of a file that `write_checked` wrote; None where the file is missing or damaged.

    What is read is marked as used, at most every half hour, unless that is no `use` of it.
    """
    try:
        with path.open("rb") as file:
            head, line_feed, data = file.read().partition(b"\n")
            used = os.fstat(file.fileno()).st_mtime
    except OSError:
        return None
    if use and time.time() - used > _HALF_HOUR:
        with suppress(OSError):  # of another user, or on a disk that cannot be written
            os.utime(path)
    return data if line_feed and head == _CHECKED + _checksum(path, data) else None


def _checksum(path: Path, data: bytes) -> bytes:
    # the name and its folder are keys: a file that was moved to another key says nothing of that one
    return digest_of_strings([path.parent.name, path.name, digest_of_bytes(data)]).encode()


def file_name(name: str) -> str:
    """A registry or card name as a file name, one to one; of a very long one the start and a digest.

    It is no `..`, is not hidden, and no device of Windows.

    >>> file_name("open_clip:ViT-B-32/openai"), file_name("..")
    ('open_clip%3AViT-B-32%2Fopenai', '%2E%2E')
    """
    quoted = quote(name, safe="@+=,._- ", errors="surrogatepass")
    if len(quoted) > _LONGEST:
        quoted = f"{quoted[: _LONGEST - HEX - 1]}~{digest_of_bytes(quoted.encode())}"
    if quoted and wrong_path(quoted.partition(".")[0]):
        quoted = f"%{ord(quoted[0]):02X}{quoted[1:]}"
    if quoted.endswith((".", " ")):
        quoted = f"{quoted[:-1]}%{ord(quoted[-1]):02X}"
    return quoted


def shown(path: Path) -> str:
    """A path as messages show it: relative to the working folder if it is inside.

    >>> shown(Path.cwd() / "tasks" / "a.yaml")
    'tasks/a.yaml'
    """
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def file_state(path: Path) -> str:
    """A string that changes whenever the bytes of a file may have changed; valid on one machine only."""
    return state_of(str(path.resolve()), path.stat())


def state_of(path: str, status: os.stat_result) -> str:
    """Path, size, both times and inode of a file: a rewrite can keep the size and the time of writing."""
    # as text, whatever the locale
    known = path if path.isascii() else os.fsencode(path).decode(errors="backslashreplace")
    times = f"{status.st_mtime_ns}|{status.st_ctime_ns}"
    return f"{known}|{status.st_size}|{times}|{status.st_ino}"


def default_cache() -> Path:
    """The default folder for features: VLBENCH_CACHE, or the user's cache folder."""
    folder = os.environ.get("VLBENCH_CACHE")
    user = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "vlbench"
    return (Path(folder) if folder else user).expanduser()


def remembered_sha256(path: Path, cache: Path | None) -> str:
    """SHA-256 of a file; with a cache folder it is computed once for each state of the file."""
    return remembered(f"sha256|{file_state(path)}", cache, lambda: sha256_of_file(path))


def remembered(key: str, cache: Path | None, compute: Callable[[], str]) -> str:
    """The string that the cache folder holds under a key; if there is none, it is computed and stored.

    >>> remembered("key", None, lambda: "value")
    'value'
    """
    if cache is None:
        return compute()
    path = cache / "remembered" / f"{digest_of(key)}.json"
    kept = read_checked(path)
    if kept is not None:
        return str(parsed_json(kept)["value"])
    value = compute()
    write_checked(path, json.dumps({"key": key, "value": value}))
    return value
