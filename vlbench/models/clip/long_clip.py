"""Long-CLIP: OpenAI's CLIP tuned to texts of 248 tokens, by stretching its table of positions."""

from functools import partial

from vlbench.core.contracts import Origin
from vlbench.core.errors import CardError
from vlbench.models.clip.architectures import check_architecture, from_hub_file
from vlbench.models.clip.checkpoint import ClipCheckpoint
from vlbench.models.clip.long_clip_weights import one_table
from vlbench.models.shared.recipe import Config, from_folder, section

CONTEXT = 248
"""Tokens of a text (Zhang et al. 2024, section 3.1: 20 + 4 * 57)."""


def long_clip(
    origin: Origin,
    /,
    *,
    arch: str | None = None,
    repository: str | None = None,
    file: str | None = None,
    sha256: str | None = None,
    directory: str | None = None,
) -> ClipCheckpoint:
    """A card's model: an open_clip architecture with a file of a hub repository, or a folder beside the card.

    Longer texts are cut at 248 tokens. `sha256` is the published file's.

    Raises:
        CardError: the settings name neither a hub file nor a folder, or both.
        UnknownName: open_clip has no such architecture.
    """
    if directory is not None and arch is None and repository is None and file is None:
        if origin.folder is None:
            raise CardError(f"{origin.name}: directory is relative to a card's folder, and there is no card")
        find = partial(from_folder, folder=origin.folder / directory)
    elif directory is None and arch is not None and repository is not None and file is not None:
        check_architecture(arch)
        find = partial(
            from_hub_file, arch=arch, repository=repository, file=file, sha256=sha256, adapt=_of_length
        )
    else:
        raise CardError(
            f"{origin.name}: settings want either arch, repository and file, or directory; correct the card"
        )
    return ClipCheckpoint(origin, "long_clip", find, convert=one_table)


def _of_length(config: Config) -> Config:
    """A configuration for texts of 248 tokens."""
    return {**config, "text_cfg": {**section(config, "text_cfg"), "context_length": CONTEXT}}
