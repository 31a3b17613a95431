"""CLIP and its kin on open_clip: any architecture and tag it has, hub repositories, folders, own weights."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.adapters.architectures import Config, check_architecture
from vlbench.adapters.clip_identity import identity_of
from vlbench.adapters.recipe import Recipe, from_folder, from_hub, from_registry
from vlbench.core.contracts import Identity, Origin, Placement, PreprocessMode
from vlbench.core.errors import CardError
from vlbench.core.files import remembered_sha256

if TYPE_CHECKING:
    from torch import nn

    from vlbench.adapters.dual_encoder import DualEncoder

_DIGITS = 12
"""Hexadecimal digits of a file's SHA-256 in the name of a model with weights of the user's own."""


@dataclass(frozen=True)  # no slots: cached_property
class ClipCheckpoint:
    """A model that open_clip can build, a Checkpoint of core/contracts.py; files are found when asked."""

    origin: Origin
    adapter: str
    find: Callable[[Origin], Recipe]
    ignorable: tuple[str, ...] = ()
    capabilities: frozenset[str] = frozenset()
    construct: "Callable[[Config], nn.Module] | None" = None
    """Builds the network, where it is not open_clip's alone."""
    sources: tuple[str, ...] = ()
    """Files beside this one whose code decides what that network computes."""

    @cached_property
    def name(self) -> str:
        """The name asked for; with weights of the user's own, also the start of their SHA-256."""
        if self.origin.weights is None:
            return self.origin.name
        sha256 = remembered_sha256(self.recipe.weights, self.origin.cache)
        return f"{self.origin.name}@{sha256[:_DIGITS]}"

    @property
    def preprocess_mode(self) -> PreprocessMode:
        return self.origin.preprocess

    @cached_property
    def recipe(self) -> Recipe:
        """What the model is made of; may fetch its files.

        Raises:
            UnknownName: open_clip has no such tag.
            WeightsError: a file is missing and cannot be fetched.
        """
        return self.find(self.origin)

    def identify(self) -> Identity:
        """Digests of the image side, the text side and the whole."""
        return identity_of(
            self.recipe,
            preprocess=self.origin.preprocess,
            ignorable=self.ignorable,
            cache=self.origin.cache,
            sources=self.sources,
        )

    def load(self, placement: Placement) -> "DualEncoder":
        """The model on a device; see load_clip for what it raises."""
        from vlbench.adapters.clip_loading import load_clip

        return load_clip(
            self.recipe,
            name=self.name,
            placement=placement,
            preprocess=self.origin.preprocess,
            ignorable=self.ignorable,
            construct=self.construct,
        )


def clip(
    origin: Origin,
    /,
    *,
    arch: str | None = None,
    pretrained: str | None = None,
    directory: str | None = None,
    ignorable: tuple[str, ...] = (),
) -> ClipCheckpoint:
    """A card's model: open_clip's architecture and tag, or a folder beside the card in open_clip's layout.

    `ignorable` are patterns of keys in the weights that the architecture has no place for.

    Raises:
        CardError: the settings name neither, or both.
        UnknownName: open_clip has no such architecture.
    """
    if (arch is None) == (directory is None) or (arch is None and pretrained is not None):
        raise CardError(f"{origin.name}: settings want either arch and pretrained, or directory")
    if arch is not None:
        check_architecture(arch)
        find = partial(from_registry, arch=arch, tag=pretrained)
        return ClipCheckpoint(origin, "clip", find, ignorable)
    if origin.folder is None:
        raise CardError(f"{origin.name}: directory is relative to a card's folder, and there is no card")
    return ClipCheckpoint(
        origin, "clip", partial(from_folder, folder=origin.folder / str(directory)), ignorable
    )


def open_clip(origin: Origin, /, *, reference: str) -> ClipCheckpoint:
    """`open_clip:ARCHITECTURE/TAG`, or `open_clip:ARCHITECTURE` with the user's own weights.

    Raises:
        UnknownName: open_clip has no such architecture.
    """
    arch, _, tag = reference.partition("/")
    check_architecture(arch)
    return ClipCheckpoint(origin, "open_clip", partial(from_registry, arch=arch, tag=tag or None))


def hf_hub(origin: Origin, /, *, reference: str) -> ClipCheckpoint:
    """`hf-hub:ORGANISATION/NAME`: a repository in open_clip's layout."""
    return ClipCheckpoint(origin, "hf-hub", partial(from_hub, repository=reference))


def local_dir(origin: Origin, /, *, reference: str) -> ClipCheckpoint:
    """`local-dir:PATH`: a folder in open_clip's layout."""
    return ClipCheckpoint(origin, "local-dir", partial(from_folder, folder=Path(reference).expanduser()))
