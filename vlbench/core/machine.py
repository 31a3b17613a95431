"""Faults of the machine, told from those of data and code: no room, no permission, no memory; what to do."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten

from vlbench.core.errors import LacksMemory

_NO_ROOM = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_NOT_ALLOWED = frozenset((errno.EACCES, errno.EPERM, errno.EROFS))
_TOO_MANY = frozenset((errno.EMFILE, errno.ENFILE))
_QUOTED = 100
"""Characters of a library's own message that are kept."""
_FAULTS = _NO_ROOM | _NOT_ALLOWED | _TOO_MANY | {errno.ENOMEM, errno.EIO}
_NO_MEMORY = re.compile(
    r"OutOfMemory|out of memory|(can't|cannot) allocate|not enough memory|unable to mmap|bad_alloc"
    r"|ALLOC_FAILED|failed to map segment|can't start new thread|could not create a primitive$"
    r"|return(ed NULL)? without (exception set|setting an exception)|Storage size calculation overflowed",
    re.IGNORECASE,
)
"""What the C libraries below torch, pyarrow and Python's own loader say where memory lacks."""
_HALF_LOADED = re.compile(r"operator torchvision::\w+ does not exist")
"""torchvision passes over a library of its own that does not load, and fails at the first use."""


def is_machine_fault(error: BaseException | None) -> bool:
    """Whether the machine failed, and not what was read or asked; `fault_line` says it.

    >>> is_machine_fault(OSError(errno.ENOSPC, "No space left on device"))
    True
    >>> is_machine_fault(FileNotFoundError(errno.ENOENT, "No such file or directory"))
    False
    """
    if isinstance(error, OSError) and error.errno in _FAULTS:
        return True
    return is_out_of_memory(error) or (isinstance(error, RuntimeError) and _is_half_loaded(error))


def _is_half_loaded(error: BaseException) -> bool:
    return _HALF_LOADED.search(str(error)) is not None


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether memory lacked, of the machine or of its accelerator."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    return isinstance(error, RuntimeError | ImportError | OSError | SystemError) and bool(
        _NO_MEMORY.search(f"{type(error).__name__}: {error}")
    )


def hidden_fault(error: BaseException) -> BaseException | None:
    """The machine's fault behind an error that takes it for damage of a file; None for any other error."""
    cause = error.__cause__
    named = isinstance(cause, OSError) and isinstance(cause.filename, str) and is_machine_fault(cause)
    return cause if not isinstance(error, LacksMemory) and (named or is_out_of_memory(cause)) else None


@contextmanager
def enough_memory(what: str, advice: str) -> Iterator[None]:
    """Say what memory lacks for, and the way out.

    Raises:
        LacksMemory: it does.
    """
    try:
        yield
    except (MemoryError, RuntimeError, ImportError, OSError, SystemError) as error:
        if not is_out_of_memory(error):
            raise
        raise LacksMemory(f"too little memory {what} ({_said(error)}); {advice}") from error


def fault_line(error: BaseException) -> str:
    """What failed of the machine, where, and what to do, on one line."""
    if is_out_of_memory(error):
        return (
            f"too little memory ({_said(error)}); pass a smaller --batch-size or --feature-gb or fewer "
            "--workers where the command has them, or free some memory, or raise its limit (ulimit -v)"
        )
    if _is_half_loaded(error):
        return (
            f"torchvision does not load ({_said(error)}): memory lacks (ulimit -v), or it was made for "
            "another torch; free some memory, or install torch and torchvision of one release"
        )
    assert isinstance(error, OSError)
    folder, where = "where it writes", ""
    if isinstance(error.filename, str):
        path = Path(error.filename)
        folder, where = f"in {path if os.path.isdir(path) else path.parent}", f"{path}: "  # noqa: PTH112 - raises nothing
    advice = "name another place or free this one"
    if error.errno in _NO_ROOM:
        advice = f"make room {folder} or name another place; the same command goes on from what is finished"
    elif error.errno in _NOT_ALLOWED:
        advice = f"let this user read and write {folder}, or name another place"
    elif error.errno in _TOO_MANY:
        advice = "raise the limit of open files (ulimit -n), or pass fewer --workers"
    return f"{where}{error.strerror}; {advice}"


def _said(error: BaseException) -> str:
    return shorten(str(error), _QUOTED, placeholder=" ...") or type(error).__name__
