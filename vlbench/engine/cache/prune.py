"""What may go of a cache folder goes: the longest unused first, and nothing that a run has open."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vlbench.core.in_use import sole_use
from vlbench.engine.cache.contents import COPIES, REMARKS, Stored, contents, is_of

SPARED_SECONDS = 3600.0
"""What was used less long ago stays: a run that is under way may have just written it."""
UNLOCKED_SECONDS = 24 * 3600.0
"""The same for features where the file system has no locks that would say whether a run has them open."""
STAYING = (*REMARKS, COPIES)
"""Kinds that stay: without remarks a stored run would not say what it read; copies of data are no results."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What went of a cache folder, and the bytes that stay; `spared` were to go, and are in use."""

    removed: tuple[Stored, ...]
    spared: tuple[Stored, ...]
    left: int

    @property
    def size(self) -> int:
        """The bytes that went."""
        return sum(each.size for each in self.removed)


def prune(
    cache: Path,
    *,
    models: Sequence[str] = (),
    unused_seconds: float = 0.0,
    budget: int | None = None,
    dry_run: bool = False,
) -> Pruned:
    """Remove what is of some models (of all, without any), and was not used for so long.

    With a budget it ends as soon as the folder holds no more bytes; the longest unused goes first. What is
    removed is computed anew by the next run that needs it.

    Raises:
        DataError: there is no such folder.
    """
    every = list(contents(cache))
    now, left = time.time(), sum(each.size for each in every)
    removed: list[Stored] = []
    spared: list[Stored] = []
    for stored in sorted(every, key=lambda each: (each.used, each.path)):
        if budget is not None and left <= budget:
            break
        unused = now - stored.used
        if stored.kind in STAYING or unused < unused_seconds or (models and not is_of(stored, tuple(models))):
            continue
        if unused < SPARED_SECONDS:
            spared.append(stored)
            continue
        with _alone(stored, unused) as free:
            if free and not dry_run:
                stored.path.unlink(missing_ok=True)
        (removed if free else spared).append(stored)
        left -= stored.size if free else 0
    return Pruned(tuple(removed), tuple(spared), left)


@contextmanager
def _alone(stored: Stored, unused: float) -> Iterator[bool]:
    """Whether no process has a file open, while nobody can open it."""
    if not stored.is_segment:
        yield True  # it is read at once
        return
    try:
        lock = sole_use(stored.path.parent)
    except OSError:
        yield unused > UNLOCKED_SECONDS
        return
    try:
        yield lock is not None
    finally:
        if lock is not None:
            os.close(lock)
