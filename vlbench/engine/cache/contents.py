"""What lies in a cache folder: files by kind, when they were last used, of which model and data they are."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from vlbench.core.errors import DataError
from vlbench.core.in_use import IN_USE
from vlbench.core.json_text import parsed_json
from vlbench.core.zip_file import opened_zip
from vlbench.engine.feature_store import SEGMENT, read_segment

SPACES = ("features", "vectors", "scores")
"""Kinds that lie in segments, folder by folder."""
REMARKS = ("decoding", "cut")
"""Kinds that say what was changed of images and texts whose features are stored."""
COPIES = "hub"
"""Copies of data sets."""
KINDS = (*SPACES, "predictions", "measurements", "images", "remembered", "fit", "results", *REMARKS, COPIES)
"""The folders of a cache."""
UNKNOWN = "unknown"
"""The model or data of features that an earlier version stored without a name."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A file of a cache folder: its kind, its bytes, and when it was last used, in seconds since 1970."""

    path: Path
    kind: str
    size: int
    used: float

    @property
    def is_segment(self) -> bool:
        """Whether it holds features, appended batch by batch."""
        return self.path.suffix == SEGMENT


@dataclass(frozen=True, slots=True)
class Portion:
    """The bytes of one kind, model and data; both are empty for what is of no single one."""

    kind: str
    model: str
    data: str
    files: int
    size: int
    used: float


def contents(cache: Path) -> Iterator[Stored]:
    """Every file of a cache folder, kind by kind.

    Raises:
        DataError: there is no such folder.
    """
    if not cache.is_dir():
        raise DataError(f"{cache}: no such cache folder; a run makes one, --cache names another")
    for kind in KINDS:
        last: dict[Path, float] = {}
        for path in sorted((cache / kind).rglob("*")):
            try:
                status = path.lstat()
            except FileNotFoundError:  # gone meanwhile
                continue
            if path.name == IN_USE:  # the first of its folder
                last[path.parent] = status.st_mtime
            elif path.is_file():
                used = max(status.st_mtime, last.get(path.parent, 0.0))
                yield Stored(path, kind, status.st_size, used)


def portions(cache: Path) -> list[Portion]:
    """The bytes of a cache folder by kind, model and data, the most first."""
    # imported here, so that `--help` starts without it
    from tqdm import tqdm

    sizes: Counter[tuple[str, str, str]] = Counter()
    files: Counter[tuple[str, str, str]] = Counter()
    used: dict[tuple[str, str, str], float] = {}
    for stored in tqdm(list(contents(cache)), desc="files", unit="file", disable=None, leave=None):
        for (model, data), size in parts_of(stored).items():
            key = (stored.kind, model, data)
            sizes[key] += size
            files[key] += 1
            used[key] = max(stored.used, used.get(key, 0.0))
    found = [Portion(*key, files[key], size, used[key]) for key, size in sizes.items()]
    return sorted(found, key=lambda each: (-each.size, each.kind, each.model, each.data))


def parts_of(stored: Stored) -> Mapping[tuple[str, str], int]:
    """The bytes of a file by model and data."""
    found: Counter[tuple[str, str]] = Counter()
    with suppress(FileNotFoundError, DataError, LookupError, TypeError, ValueError):
        if stored.is_segment:
            for record in read_segment(stored.path, verify=False):
                found[record.model or UNKNOWN, record.of or UNKNOWN] += record.size
        elif stored.kind == "predictions":
            found[_of_prediction(stored.path)] = stored.size
        else:
            found["", ""] = stored.size
    damaged = stored.size - found.total()
    return found if damaged <= 0 else {**found, (UNKNOWN, UNKNOWN): damaged + found[UNKNOWN, UNKNOWN]}


def is_of(stored: Stored, models: tuple[str, ...]) -> bool:
    """Whether a file is of one of some models alone; their names may hold wildcards and leave out marks."""
    made = {model for model, _ in parts_of(stored)}
    wanted = [pattern for model in models for pattern in (model, f"{model}+*")]
    return all(any(fnmatchcase(each, pattern) for pattern in wanted) for each in made)


def _of_prediction(path: Path) -> tuple[str, str]:
    """The row and the data of a stored prediction, without reading its arrays."""
    with opened_zip(path, path) as archive, archive.open("about.npy") as file:
        about: Any = parsed_json(str(np.lib.format.read_array(file, allow_pickle=False)))
    return about["facts"].get("row") or UNKNOWN, about.get("data") or UNKNOWN
