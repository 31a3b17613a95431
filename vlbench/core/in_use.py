"""Folders that processes use together, or that one has alone: by a lock that ends with the process."""

import fcntl
import os
from pathlib import Path

IN_USE = ".in-use"
"""The file of a folder that is locked; the time of its writing says when the folder was last used."""


def shared_use(folder: Path) -> int:
    """A descriptor that keeps others from having a folder alone until it is closed; it waits for one who has.

    Raises:
        OSError: the folder cannot be written, or its file system has no locks.
    """
    descriptor = _locked(folder, fcntl.LOCK_SH)
    os.utime(descriptor)
    return descriptor


def sole_use(folder: Path) -> int | None:
    """A descriptor by which, until it is closed, this process has a folder alone; None where it is in use.

    Raises:
        OSError: as of `shared_use`.
    """
    try:
        return _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None


def _locked(folder: Path, how: int) -> int:
    descriptor = os.open(folder / IN_USE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, how)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
