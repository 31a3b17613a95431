"""Files written whole or not at all, checksummed ones, paths as messages show them, remembered digests."""

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from vlbench.core.digest import digest_of, digest_of_bytes, digest_of_strings, sha256_of_file
from vlbench.core.errors import DataError

_CHECKED = b"vlbench-checked "
"""What a checksummed file begins with; the digest and a line feed follow, then the content."""


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write a file under a passing name, flush it to disk and rename it into place.

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
    """Write a file that begins with a digest of what follows and of its own place, for `read_checked`.

    Raises:
        DataError: a folder lies there.
    """
    data = content.encode() if isinstance(content, str) else content
    write_atomically(path, _CHECKED + _checksum(path, data) + b"\n" + data)


def read_checked(path: Path) -> bytes | None:
    """The content of a file that `write_checked` wrote there.

    None where there is none, or where a bit of it is not what was written: what it holds is made anew.
    """
    try:
        head, line_feed, data = path.read_bytes().partition(b"\n")
    except OSError:
        return None
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
    """A path as messages show it: relative where it lies below the working folder."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def file_state(path: Path) -> str:
    """What changes when the bytes of a file may have; guards local stores only."""
    return state_of(str(path.resolve()), path.stat())


def state_of(path: str, status: os.stat_result) -> str:
    """A file's state: path, size, both times and inode, since a rewrite can keep size and time of writing."""
    times = f"{status.st_mtime_ns}|{status.st_ctime_ns}"
    return f"{path}|{status.st_size}|{times}|{status.st_ino}"


def default_cache() -> Path:
    """Where features are stored unless told otherwise: VLBENCH_CACHE, or the user's cache folder."""
    folder = os.environ.get("VLBENCH_CACHE")
    user = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "vlbench"
    return (Path(folder) if folder else user).expanduser()


def remembered_sha256(path: Path, cache: Path | None) -> str:
    """SHA-256 of a file, computed once for each state of it where there is a cache folder."""
    return remembered(f"sha256|{file_state(path)}", cache, lambda: sha256_of_file(path))


def remembered(key: str, cache: Path | None, compute: Callable[[], str]) -> str:
    """A string under a key in the cache folder, computed when it is not there."""
    if cache is None:
        return compute()
    path = cache / "remembered" / f"{digest_of(key)}.json"
    kept = read_checked(path)
    if kept is not None:
        return str(json.loads(kept)["value"])
    value = compute()
    write_checked(path, json.dumps({"key": key, "value": value}))
    return value
