"""Flags: how the command line states an option, and how a value that a user gives is read."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass
from operator import index as as_integer
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from vlbench.core.errors import VlbenchError
from vlbench.core.files import default_cache
from vlbench.core.limit import limit_of
from vlbench.core.registry import METHODS
from vlbench.core.share import Share
from vlbench.core.whole_number import whole_number


@dataclass(frozen=True, slots=True)
class Flag:
    """How the command line states an option: its help, and which values are allowed.

    `choices` are all allowed words; `least` is the lowest allowed number; `place` marks a path, and what it
    is the path of.
    """

    help: str
    _: KW_ONLY
    choices: Sequence[str] = ()
    least: int | None = None
    place: Literal["file", "folder", "existing folder"] | None = None
    metavar: str | None = None


def field_value(name: str, value: Any, flag: Flag, default: Any) -> Any:
    """Convert a value from the user to the type of the field with this flag and default.

    Raises:
        VlbenchError: the value is not allowed.
    """
    if name == "batch_size" and isinstance(value, str):
        if value == "auto":
            return None
        number = whole_number(value)
        if not number:
            raise VlbenchError(f"--batch-size {value!r} is neither auto nor a number of 1 or more")
        value = number
    if name == "limit":
        return limit_of(value)
    if name == "thresholds":
        if str(value) in METHODS:
            raise VlbenchError(f"{value} is a method, which learns thresholds: pass --method {value}")
        return str(value)
    if flag.choices:
        if not isinstance(value, str) or value not in flag.choices:
            raise VlbenchError(f"{name} is {value!r}; give {' or '.join(flag.choices)}")
        return value
    if isinstance(default, tuple):
        return _several(name, value, flag)
    if flag.place:
        return path_of(name, (value or default_cache()) if name == "cache" else value, flag.place)
    if isinstance(default, bool):
        if not isinstance(value, bool) and getattr(getattr(value, "dtype", None), "kind", "") != "b":
            raise VlbenchError(f"{name} is {value!r}; give True or False")
        return bool(value)
    if flag.least is not None or isinstance(default, int):
        return whole(name, value, flag.least)
    text = str(value) if name == "device" else value  # a torch.device says its own name
    if not isinstance(text, str):
        raise VlbenchError(f"{name} is {value!r}; give a text")
    return Share.of(text) if name == "share" else text


def whole(name: str, value: Any, least: int | None = None) -> int:
    """The whole number that a keyword is given, of any type of numbers, or in digits.

    Raises:
        VlbenchError: it is none, or less than the `least`.

    >>> whole("every", 8.0, 1)
    8
    """
    number = None
    with suppress(TypeError, ValueError):
        if isinstance(value, str):
            number = whole_number(value)
        elif hasattr(value, "__index__"):
            number = None if isinstance(value, bool) else as_integer(value)
        elif float(value).is_integer():
            number = int(float(value))
    if number is None:
        raise VlbenchError(f"{name} is {value!r}; give a whole number")
    if least is not None and number < least:
        raise VlbenchError(f"{name} is {number}; give {least} or more")
    return number


def wholes(name: str, value: Any, least: int | None = None) -> tuple[int, ...]:
    """The whole numbers that a keyword is given, of which one may stand alone.

    Raises:
        VlbenchError: as `whole`.

    >>> wholes("shots", 4), wholes("seeds", range(1, 3))
    ((4,), (1, 2))
    """
    several = value if isinstance(value, Iterable) and not isinstance(value, str) else (value,)
    return tuple(whole(name, each, least) for each in several)


def _several(name: str, value: Any, flag: Flag) -> tuple[Any, ...]:
    """Names or paths, of which one may stand alone."""
    if isinstance(value, Mapping):
        raise VlbenchError(f"{name} is a mapping; give task_roots one, or a list of folders")
    if not isinstance(value, Iterable):
        wanted = f"the path of a {flag.place}, or several" if flag.place else "a name or several"
        raise VlbenchError(f"{name} is {value!r}; give {wanted}")
    several = (value,) if isinstance(value, str | PathLike) else tuple(value)
    return tuple(path_of(name, each, flag.place) for each in several) if flag.place else several


def path_of(name: str, value: Any, place: str) -> Path:
    """The path of a file or a folder that a keyword is given, with the home folder for ~.

    Raises:
        VlbenchError: it is no path, or a file where a folder is wanted.

    >>> path_of("results", "kept", "folder")
    PosixPath('kept')
    """
    wanted = place.removeprefix("existing ")
    if not isinstance(value, str | PathLike):
        raise VlbenchError(f"{name} is {value!r}; give the path of a {wanted}")
    path = Path(value).expanduser()
    if wanted == "folder" and path.is_file():
        raise VlbenchError(f"{name} is {path}, a file; give a folder")
    return path
