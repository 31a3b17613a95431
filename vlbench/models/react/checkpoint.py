"""REACT: CLIP customised on retrieved pairs, with a locked text tower or a gated image tower."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from vlbench.core.contracts import Identity, Origin
from vlbench.core.errors import CardError, WeightsError
from vlbench.core.text_file import read_text
from vlbench.models.clip.checkpoint import ClipCheckpoint, file_or_folder
from vlbench.models.react.network import construct, gated
from vlbench.models.shared.named import beside_card

NAME = "react"
"""The name of the adapter."""


@dataclass(frozen=True)  # no slots: cached_property
class ReactCheckpoint(ClipCheckpoint):
    """A CLIP that was tuned on pairs. `learned_from` is a file with the digests of their images, if known."""

    replicate_of: str = ""
    learned_from: Path | None = None

    def identify(self) -> Identity:
        """Digests of both sides, and of the images that the card's own weights were tuned on.

        Raises:
            WeightsError: the file with their digests is missing.
        """
        found = super().identify()
        if self.origin.weights is not None:
            return found
        images = () if self.learned_from is None else read_digests(self.learned_from)
        return replace(found, replicate_of=self.replicate_of, learned_from=images)


def read_digests(path: Path) -> tuple[str, ...]:
    """The digests of images in a file, one on each line.

    Raises:
        WeightsError: there is no such file.
    """
    return tuple(read_text(path, WeightsError).split())


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
    replicate_of: str = "",
    learned_from: str | None = None,
) -> ClipCheckpoint:
    """A card's model: an open_clip architecture with a file from the hub, or a folder next to the card.

    `gated_layers` is how many of the last image layers have a gated block; 0 means a locked-text checkpoint,
    which is a plain CLIP. `sha256` is the digest of the file; `mean` and `std` default to OpenAI's.
    `replicate_of` is the leaderboard row of which the model is one seed, `learned_from` a file beside the
    card with the digests of the images that it was tuned on.

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
    images = None if learned_from is None else beside_card(origin, learned_from, "learned_from")
    return ReactCheckpoint(
        origin, NAME, find, construct=construct, replicate_of=replicate_of, learned_from=images
    )
