"""Files that are opened to be read: regular ones alone, so that no read waits for ever or never ends."""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
"""What Windows, which has no pipes among its files, lacks."""
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_regular(path: Path | str) -> BufferedReader:
    """A file opened for its bytes, links followed.

    Raises:
        OSError: it cannot be opened, or is a folder, a pipe, a socket or a device.
    """
    odd = odd_kind(Path(path).stat().st_mode)
    if odd:
        raise OSError(errno.EINVAL, f"it is {odd} and no file", str(path))
    # what it is may change before it is opened, which then waits for nobody
    return open(path, "rb", opener=lambda name, flags: os.open(name, flags | _NO_WAIT))


def odd_kind(mode: int) -> str:
    """What lies where a file is wanted, by its mode; empty for a file."""
    if stat.S_ISREG(mode):
        return ""
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "of a kind of its own")
