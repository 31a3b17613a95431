"""Files written whole or not at all, checksummed ones, paths as messages show them, remembered digests."""

import json
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from vlbench.core.digest import digest_of, digest_of_bytes, digest_of_strings, sha256_of_file
from vlbench.core.errors import DataError

_CHECKED = b"vlbench-checked "
"""What a checksummed file begins with; the digest and a line feed follow, then the content."""
_HALF_HOUR = 1800.0


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write a file under a temporary name, flush it to disk and rename it into place.

    Raises:
        DataError: a folder lies there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, passing = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        Path(passing).chmod(0o644)
        Path(passing).replace(path)
    except IsADirectoryError as error:
        Path(passing).unlink(missing_ok=True)
        raise DataError(f"{path}: a folder lies where a file belongs; move or delete it") from error
    except BaseException:
        Path(passing).unlink(missing_ok=True)
        raise


def write_checked(path: Path, content: bytes | str) -> None:
    """Write a file for `read_checked`: it begins with a digest of its content and of its own name.

    Raises:
        DataError: a folder lies there.
    """
    data = content.encode() if isinstance(content, str) else content
    write_atomically(path, _CHECKED + _checksum(path, data) + b"\n" + data)


def read_checked(path: Path, *, use: bool = True) -> bytes | None:
    """The content of a file that `write_checked` wrote; None where there is no file, or it is damaged.

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
    """A registry or card name as a file name, one to one.

    >>> file_name("open_clip:ViT-B-32/openai")
    'open_clip%3AViT-B-32%2Fopenai'
    """
    return quote(name, safe="@+=,._- ")


def shown(path: Path) -> str:
    """A path as messages show it: relative to the working folder where it is inside.

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
    times = f"{status.st_mtime_ns}|{status.st_ctime_ns}"
    return f"{path}|{status.st_size}|{times}|{status.st_ino}"


def default_cache() -> Path:
    """Where features are stored unless told otherwise: VLBENCH_CACHE, or the user's cache folder."""
    folder = os.environ.get("VLBENCH_CACHE")
    user = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "vlbench"
    return (Path(folder) if folder else user).expanduser()


def remembered_sha256(path: Path, cache: Path | None) -> str:
    """SHA-256 of a file; with a cache folder it is computed once for each state of the file."""
    return remembered(f"sha256|{file_state(path)}", cache, lambda: sha256_of_file(path))


def remembered(key: str, cache: Path | None, compute: Callable[[], str]) -> str:
    """The string that the cache folder keeps under a key; it is computed where there is none.

    >>> remembered("key", None, lambda: "value")
    'value'
    """
    if cache is None:
        return compute()
    path = cache / "remembered" / f"{digest_of(key)}.json"
    kept = read_checked(path)
    if kept is not None:
        return str(json.loads(kept)["value"])
    value = compute()
    write_checked(path, json.dumps({"key": key, "value": value}))
    return value
