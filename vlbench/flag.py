"""Flags: how the command line states an option, and how a value that a user gives is read."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
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
    if name == "share":
        return Share.of(value)
    if name == "thresholds":
        if str(value) in METHODS:
            raise VlbenchError(f"{value} is a method, which learns thresholds: pass --method {value}")
        return str(value)
    if flag.choices and value not in flag.choices:
        raise VlbenchError(f"{name} is {value!r}; give {' or '.join(flag.choices)}")
    if flag.least is not None and value < flag.least:
        raise VlbenchError(f"{name} is {value}; give {flag.least} or more")
    if isinstance(default, tuple):
        several = (value,) if isinstance(value, str | Path) else tuple(value)
        return tuple(map(Path, several)) if flag.place else several
    if name == "cache":
        return Path(value or default_cache()).expanduser()
    return Path(value) if flag.place else value
