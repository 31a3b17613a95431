"""Captions for the user's images: which models write them, and which tags guide them."""

from vlbench.core.capabilities import CAPTIONS, Captioner, Generates
from vlbench.core.contracts import Checkpoint, Model
from vlbench.core.errors import Unsupported, VlbenchError


def caption_guide(guide: str | None, *, asked: bool) -> tuple[str, ...] | None:
    """The tags that guide every caption; None if each image's own tags guide its caption.

    Raises:
        VlbenchError: a guide is stated without captions, or has no tag.
    """
    if guide is None:
        return None
    if not asked:
        raise VlbenchError("--guide leads captions; add --caption")
    tags = tuple(tag.strip() for tag in guide.split(",") if tag.strip())
    if not tags:
        raise VlbenchError(f"--guide {guide!r} names no tag; give tags between commas, or leave it out")
    return tags


def check_captions(named: Checkpoint) -> None:
    """Raise Unsupported for a model that does not write captions. The model is not loaded."""
    if CAPTIONS not in named.capabilities:
        raise _writes_none(named.name)


def captioner_of(model: Model) -> Captioner:
    """The captioner of a model.

    Raises:
        Unsupported: the model has none, or an extra is not installed.
        VlbenchError: a file that it needs cannot be read.
    """
    if not isinstance(model, Generates):
        raise _writes_none(model.info.name)
    return model.captioner()


def _writes_none(name: str) -> Unsupported:
    return Unsupported(f"--caption: {name} writes no captions; take one that does (tag2text)")
