"""REACT: CLIP customised on retrieved pairs, with a locked text tower or a gated image tower."""

from collections.abc import Sequence
from functools import partial

from vlbench.core.contracts import Origin
from vlbench.core.errors import CardError
from vlbench.models.clip.checkpoint import ClipCheckpoint, file_or_folder
from vlbench.models.react.network import construct, gated


def react(
    origin: Origin,
    /,
    *,
    arch: str | None = None,
    repository: str | None = None,
    file: str | None = None,
    sha256: str | None = None,
    directory: str | None = None,
    gated_layers: int = 0,
    quick_gelu: bool = False,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> ClipCheckpoint:
    """A card's model: an open_clip architecture with a file from the hub, or a folder next to the card.

    `gated_layers` is how many of the last image layers have a gated block; 0 means a locked-text checkpoint,
    which is a plain CLIP. `sha256` is the digest of the file; `mean` and `std` default to OpenAI's.

    Raises:
        CardError: the settings name neither a hub file nor a folder, or both.
        UnknownName: open_clip has no such architecture.
    """
    if gated_layers < 0:
        raise CardError(f"{origin.name}: gated_layers is {gated_layers}; give 0 or more")
    find = file_or_folder(
        origin,
        arch=arch,
        repository=repository,
        file=file,
        sha256=sha256,
        directory=directory,
        facts={"quick_gelu": quick_gelu, "mean": mean, "std": std},
        adapt=partial(gated, layers=gated_layers),
    )
    return ClipCheckpoint(origin, "react", find, construct=construct)
