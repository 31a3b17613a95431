"""Progress bars of a run: on a terminal alone, named after what the run is at, and none where it is quiet."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Never

if TYPE_CHECKING:
    from tqdm import tqdm

_LABEL: ContextVar[str] = ContextVar("label", default="")
_QUIET: ContextVar[bool] = ContextVar("quiet", default=False)


def progress_bar(what: str, total: int, unit: str, **options: Any) -> "tqdm[Never]":
    """A bar for `what` is counted in units, which begins with what the run is at."""
    # imported here, so that a run with everything stored starts without it
    from tqdm import tqdm

    label = _LABEL.get()
    shown: tqdm[Never] = tqdm(
        total=total,
        unit=unit,
        desc=f"{label}: {what}" if label else what,
        disable=True if _QUIET.get() or not total else None,
        dynamic_ncols=True,
        **options,
    )
    return shown


@contextmanager
def at_work_on(label: str) -> Iterator[None]:
    """Bars in this block begin with a label: `tiny-clip on digits (3 of 12)`."""
    token = _LABEL.set(label)
    try:
        yield
    finally:
        _LABEL.reset(token)


@contextmanager
def without_bars() -> Iterator[None]:
    """Bars in this block are not shown."""
    token = _QUIET.set(True)
    try:
        yield
    finally:
        _QUIET.reset(token)
