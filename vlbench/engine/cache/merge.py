"""Two cache folders made one: what the other has and this one lacks."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from vlbench.core.errors import DataError
from vlbench.core.files import read_checked, write_checked
from vlbench.core.json_text import parsed_json
from vlbench.engine.cache.contents import REMARKS, SPACES, Stored, contents
from vlbench.engine.feature_store import FeatureSpace, read_segment

CHECKED = ("predictions", "measurements", "images", "remembered", "fit")
"""Kinds of files that are whole, and equal under one key."""


def merge(source: Path, cache: Path) -> Mapping[str, int]:
    """Add to a cache folder what another one has and it lacks; bytes by kind. The other one stays as it is.

    Features are added row by row, and damaged ones left out; of what both have, the own stays. A merge that
    was stopped goes on where it is called again.

    Raises:
        DataError: the other folder is missing, or they are one.
    """
    # imported here, so that `--help` starts without it
    from tqdm import tqdm

    files = list(contents(source))
    if cache.exists() and cache.samefile(source):
        raise DataError(f"{source}: the same folder as {cache}; name another one")
    added: Counter[str] = Counter()
    total = sum(each.size for each in files)
    with tqdm(total=total, unit="B", unit_scale=True, desc="merge", disable=None, leave=None) as bar:
        for stored in files:
            added[stored.kind] += _add(stored, cache / stored.path.relative_to(source))
            bar.update(stored.size)
    return {kind: size for kind, size in added.items() if size}


def _add(stored: Stored, path: Path) -> int:
    """Add a file to where it belongs; the bytes that were added."""
    if stored.kind in SPACES:
        return _add_rows(stored.path, path.parent) if stored.is_segment else 0
    theirs = None
    if stored.kind in (*CHECKED, *REMARKS) and not stored.is_segment:
        theirs = read_checked(stored.path, use=False)
    if theirs is None:
        return 0
    ours = read_checked(path, use=False)
    if ours is not None and stored.kind in REMARKS:
        known = parsed_json(ours)
        together = parsed_json(theirs) | known
        if together != known:
            both = json.dumps(together).encode()
            write_checked(path, both)
            return len(both) - len(ours)
    if ours is not None:
        return 0
    write_checked(path, theirs)
    return len(theirs)


def _add_rows(segment: Path, folder: Path) -> int:
    added = 0
    with FeatureSpace(folder) as space:
        for record in read_segment(segment):
            rows = [row for row, key in enumerate(record.keys) if key not in space]
            if rows:
                keys = [record.keys[row] for row in rows]
                space.model = record.model
                space.append(keys, record.features[rows], record.of)
                added += record.size * len(rows) // len(record.keys)
    return added
