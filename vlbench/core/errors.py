"""Errors that a user can cause. Each message is one line: what is wrong, where, and what to do."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from difflib import get_close_matches
from typing import TypeVar

Attempt = Callable[[str], AbstractContextManager[object]]
"""Makes the block in which a part of a request is done, by the part's name. The block may take its error."""


class VlbenchError(Exception):
    """A mistake that the user can correct; the command line prints it as one line and exits with 2."""


class UnknownName(VlbenchError):
    """A name that no card and no plug-in has."""

    def __init__(self, what: str, name: str, known: Iterable[str], *, advice: str = "") -> None:
        close = get_close_matches(name, list(known), n=3, cutoff=0.6)
        hint = f"did you mean {', '.join(close)}?" if close else ""
        super().__init__("; ".join(part for part in (f"no {what} named {name!r}", hint, advice) if part))
        self.name = name
        self.close = tuple(close)


class CardError(VlbenchError):
    """A card that lacks a field or has a wrong one."""


class DataError(VlbenchError):
    """Images, texts or labels that are missing, damaged or contradictory."""


class NoPixels(DataError):
    """An image so narrow that a resize leaves it no row or no column, or far too many."""


class SourceMissing(DataError):
    """A source that does not find its data. vlbench then tries the next source of the card."""

    def __init__(self, looked: str, advice: str) -> None:
        super().__init__(f"{looked}: {advice}")
        self.looked = looked
        self.advice = advice


class SourceUnread(SourceMissing):
    """A source that finds its data and cannot read them for lack of something beside them, such as labels.

    vlbench tries the next sources of the card, without a download, and says so; where none has the data, it
    tells this one's error.
    """

    def __init__(self, place: str, why: str, advice: str) -> None:
        super().__init__(f"{place}: {why}", advice)
        self.why = why


class WeightsError(VlbenchError):
    """Weights that are missing, have another shape, or are unsafe to read."""


class PluginError(VlbenchError):
    """A plug-in that fails to import, or a name that two plug-ins claim."""


class Unsupported(VlbenchError):
    """Something that a model, device or task cannot do; refused before any work."""


class LacksMemory(Unsupported):
    """A machine or its accelerator has too little memory for what is asked."""


class NotFinite(VlbenchError):
    """A model returned NaN or infinity, whose scores could pass for chance."""


class Unrepeatable(VlbenchError):
    """A model gave one image and one text different scores in two calls."""


class WorkersLost(VlbenchError):
    """Workers of another process that died again and again, or of which none is left."""


class CheckFailed(VlbenchError):
    """A check that ran and failed; the command line exits with 1."""


Raised = TypeVar("Raised", bound=BaseException)


def without_frames(error: Raised) -> Raised:
    """An error to keep: without the frames that it and its causes came from, which may hold gigabytes."""
    each: BaseException | None = error
    while each is not None:
        each.__traceback__ = None
        each = each.__cause__ or each.__context__
    return error
