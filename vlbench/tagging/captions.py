"""Captions of the user's images: who can write them, and which tags lead them."""

from vlbench.core.capabilities import CAPTIONS, Captioner, Generates
from vlbench.core.contracts import Checkpoint, Model
from vlbench.core.errors import Unsupported, VlbenchError


def caption_guide(guide: str | None, *, asked: bool) -> tuple[str, ...] | None:
    """The tags that lead every caption; None for those that are given of each image.

    Raises:
        VlbenchError: a guide without captions, or without a tag.
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
    """Raise Unsupported for a model that writes no captions, before it is loaded."""
    if CAPTIONS not in named.capabilities:
        raise _writes_none(named.name)


def captioner_of(model: Model) -> Captioner:
    """What writes a model's captions.

    Raises:
        Unsupported: nothing does, or an extra is not installed.
        VlbenchError: what it takes cannot be read.
    """
    if not isinstance(model, Generates):
        raise _writes_none(model.info.name)
    return model.captioner()


def _writes_none(name: str) -> Unsupported:
    return Unsupported(f"--caption: {name} writes no captions; take one that does (tag2text)")
