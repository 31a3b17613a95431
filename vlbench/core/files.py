"""Files written whole or not at all, and digests of files remembered by path, size and time."""

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from vlbench.core.digest import digest_of, sha256_of_file


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write a file under a passing name, flush it to disk and rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, passing = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        Path(passing).chmod(0o644)
        Path(passing).replace(path)
    except BaseException:
        Path(passing).unlink(missing_ok=True)
        raise


def file_name(name: str) -> str:
    """A registry or card name as a file name, one to one.

    >>> file_name("open_clip:ViT-B-32/openai")
    'open_clip%3AViT-B-32%2Fopenai'
    """
    return quote(name, safe="@+=,._- ")


def file_state(path: Path) -> str:
    """Path, size and time of a file: changes when its bytes may have; guards local stores only."""
    status = path.stat()
    return f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}"


def default_cache() -> Path:
    """Where features are stored unless told otherwise: VLBENCH_CACHE, or the user's cache folder."""
    folder = os.environ.get("VLBENCH_CACHE")
    user = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "vlbench"
    return (Path(folder) if folder else user).expanduser()


def remembered_sha256(path: Path, cache: Path | None) -> str:
    """SHA-256 of a file, computed once for each (path, size, time) where there is a cache folder."""
    return remembered(f"sha256|{file_state(path)}", cache, lambda: sha256_of_file(path))


def remembered(key: str, cache: Path | None, compute: Callable[[], str]) -> str:
    """A string under a key in the cache folder, computed when it is not there."""
    if cache is None:
        return compute()
    path = cache / "remembered" / f"{digest_of(key)}.json"
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        if entry["key"] == key and isinstance(entry["value"], str):
            return str(entry["value"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        pass
    value = compute()
    write_atomically(path, json.dumps({"key": key, "value": value}))
    return value
