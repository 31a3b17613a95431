"""What a case reaches while it runs: files, programs and servers, told by Python's audit events."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
WRITES = frozenset("wax+")
_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {
    **dict.fromkeys(
        ("os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod", "os.chown", "os.utime"), 1
    ),
    **dict.fromkeys(("os.rename", "os.link"), 2),
    **dict.fromkeys(("tempfile.mkstemp", "tempfile.mkdtemp", "os.setxattr"), 1),
}
"""Events by the number of their paths, all of which are changed."""
_LISTS = frozenset(("os.listdir", "os.scandir"))
_PROGRAMS = frozenset(
    ("os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.startfile", "subprocess.Popen")
)
_SYSTEM = ("/usr/lib", "/usr/share", "/sys/devices", "/proc/meminfo", "/proc/cpuinfo", "/etc/mime.types")
_DEVICES = ("/dev/null", "/dev/urandom", "/dev/random")


class Outside(BaseException):
    """A case reached what is none of its business; no `except Exception` hides it."""


@dataclass(slots=True)
class Watch:
    """What may be read and written now, and what was reached beyond; `on` while a case runs."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    on: bool = False
    seen: list[str] = field(default_factory=list)


_watch = Watch()
_installed: list[bool] = []


@contextmanager
def watching(reads: Sequence[Path], writes: Sequence[Path]) -> Iterator[list[str]]:
    """Refuse, and note in the list that is handed out, whatever is reached beyond some folders.

    Python's own files, this checkout and the system's may be read, the interpreter be started again, and
    servers of this machine be asked.

    Raises:
        Outside: at once, where it happens.
    """
    if not _installed:
        sys.addaudithook(_hear)  # it cannot be taken away again
        _installed.append(True)
    own = (CHECKOUT, Path(sys.prefix), Path(sys.base_prefix), *map(Path, sys.path))
    _watch.writes = tuple(map(str, writes))
    _watch.reads = tuple(dict.fromkeys(map(str, (*reads, *writes, *own))))
    _watch.seen, _watch.on = [], True
    try:
        yield _watch.seen
    finally:
        _watch.on = False


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watch.on:
        return
    if event == "open":
        path, mode, flags = arguments
        written = bool(WRITES & set(mode)) if isinstance(mode, str) else bool((flags or 0) & _FLAGS)
        _hold(event, path, written=written)
    elif event in _CHANGES:
        for path in arguments[: _CHANGES[event]]:
            if arguments[-1] in (None, -1) or not isinstance(arguments[-1], int) or len(arguments) <= 2:
                _hold(event, path, written=True)
    elif event == "os.symlink":
        _hold(event, arguments[1], written=True)
    elif event in _LISTS:
        _hold(event, arguments[0], written=False)
    elif event in _PROGRAMS:
        _hold_program(event, arguments)
    elif event == "socket.connect":
        _hold_server(arguments[1])


def _hold(event: str, path: object, *, written: bool) -> None:
    if path is None or isinstance(path, int):
        return  # an open file, which was held when it was opened; or the working folder
    if not isinstance(path, str | bytes | os.PathLike):
        return
    told = os.fsdecode(path)
    if "\0" in told:
        return  # Python refuses it itself
    full = os.path.abspath(told)  # noqa: PTH100 - a link is what the case's own folder holds
    if written and full in _DEVICES:
        return
    roots = _watch.writes if written else (*_watch.reads, *_SYSTEM, *_DEVICES)
    if not any(full == root or full.startswith(f"{root}/") for root in roots):
        _refuse(f"{event} {'writes' if written else 'reads'} {told}")


def _hold_program(event: str, arguments: tuple[Any, ...]) -> None:
    program = arguments[0]
    if program is None or (isinstance(program, list | tuple) and not program):
        program = arguments[1]
    if isinstance(program, list | tuple):
        program = program[0]
    if os.fsdecode(program) != sys.executable:
        _refuse(f"{event} starts {program!r}")


def _hold_server(address: object) -> None:
    host = address[0] if isinstance(address, tuple) else address
    if host not in ("127.0.0.1", "::1", "localhost"):
        _refuse(f"socket.connect asks {host!r}")


def _refuse(what: str) -> None:
    _watch.seen.append(what)
    raise Outside(what)
