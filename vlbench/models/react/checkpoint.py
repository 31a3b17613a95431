"""REACT: CLIP customised on retrieved pairs, with its text tower locked or its image tower gated."""

from collections.abc import Sequence
from functools import partial

from vlbench.core.contracts import Origin
from vlbench.core.errors import CardError
from vlbench.models.clip.architectures import check_architecture, from_hub_file
from vlbench.models.clip.checkpoint import ClipCheckpoint
from vlbench.models.react.network import construct, gated
from vlbench.models.shared.recipe import from_folder


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
    """A card's model: an open_clip architecture with a file of a hub repository, or a folder beside the card.

    `gated_layers` counts the last image layers with a gated block; 0 is a locked-text checkpoint, which
    is plain CLIP. `sha256` is the published file's; `mean` and `std` default to OpenAI's.

    Raises:
        CardError: the settings name neither a hub file nor a folder, or both.
        UnknownName: open_clip has no such architecture.
    """
    if gated_layers < 0:
        raise CardError(f"{origin.name}: gated_layers is {gated_layers}; give 0 or more")
    adapt = partial(gated, layers=gated_layers)
    if directory is not None and arch is None and repository is None and file is None:
        if origin.folder is None:
            raise CardError(f"{origin.name}: directory is relative to a card's folder, and there is no card")
        find = partial(from_folder, folder=origin.folder / directory, adapt=adapt)
    elif directory is None and arch is not None and repository is not None and file is not None:
        check_architecture(arch)
        facts = {"quick_gelu": quick_gelu, "mean": mean, "std": std}
        find = partial(
            from_hub_file,
            arch=arch,
            repository=repository,
            file=file,
            sha256=sha256,
            facts=facts,
            adapt=adapt,
        )
    else:
        raise CardError(
            f"{origin.name}: settings want either arch, repository and file, or directory; correct the card"
        )
    return ClipCheckpoint(origin, "react", find, construct=construct)
