"""Lines about images or texts, kept in the cache under their keys; imports no torch."""

import json
from collections.abc import Mapping
from pathlib import Path

from vlbench.core.files import read_checked, write_checked

LOST = ""
"""The key under which it is kept that a file was damaged: what else it said is not known."""
LOST_LINE = "what else there was to say is not known, as its record in the cache was damaged; empty the cache"


def read_rows(path: Path) -> dict[str, list[str]]:
    """Lines by key; none where there is no file, `LOST` alone where it is damaged."""
    kept = read_checked(path)
    if kept is None:
        return {LOST: []} if path.exists() else {}
    rows: dict[str, list[str]] = json.loads(kept)
    return rows


def add_rows(path: Path, rows: Mapping[str, list[str]]) -> None:
    """Add lines to those that are kept; nothing is written for none."""
    if rows:
        write_checked(path, json.dumps({**read_rows(path), **rows}))
