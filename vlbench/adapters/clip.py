"""CLIP and its kin on open_clip: any architecture and tag it has, hub repositories, folders, own weights."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.adapters.architectures import Config, architecture_config, check_architecture, section
from vlbench.adapters.clip_identity import identity_of
from vlbench.adapters.recipe import Recipe, from_files, from_folder, from_hub, from_registry
from vlbench.core.capabilities import PAIRS, TOKENS, VECTORS
from vlbench.core.contracts import Identity, Origin, Placement, PreprocessMode
from vlbench.core.errors import CardError
from vlbench.core.files import remembered_sha256

if TYPE_CHECKING:
    from torch import nn

    from vlbench.adapters.checkpoint_layout import Weights
    from vlbench.adapters.dual_encoder import DualEncoder

DUAL_ENCODER = frozenset({PAIRS, TOKENS, VECTORS})
"""What a model of two towers can do beyond scoring."""

_DIGITS = 12
"""Hexadecimal digits of a file's SHA-256 in the name of a model with weights of the user's own."""


@dataclass(frozen=True)  # no slots: cached_property
class ClipCheckpoint:
    """A model that open_clip can build, a Checkpoint of core/contracts.py; files are found when asked."""

    origin: Origin
    adapter: str
    find: Callable[[Origin], Recipe]
    ignorable: tuple[str, ...] = ()
    capabilities: frozenset[str] = DUAL_ENCODER
    construct: "Callable[[Config], nn.Module] | None" = None
    """Builds the network, where it is not open_clip's alone."""
    convert: "Callable[[Weights], Weights] | None" = None
    """Turns a file's state dict into that network's, where open_clip's conversions do not."""
    sources: tuple[str, ...] = ()
    """Files beside this one whose code decides what that network computes of images."""
    text_sources: tuple[str, ...] = ()
    """Files beside this one whose code decides what that network computes of texts."""

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
            text_sources=self.text_sources,
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
            convert=self.convert,
        )


def clip(
    origin: Origin,
    /,
    *,
    arch: str | None = None,
    pretrained: str | None = None,
    directory: str | None = None,
    repository: str | None = None,
    file: str | None = None,
    sha256: str | None = None,
    image_size: int | None = None,
    ignorable: tuple[str, ...] = (),
) -> ClipCheckpoint:
    """A card's model: an architecture of open_clip's with a tag or a hub file, or a folder beside the card.

    `repository` and `file` name a state dict on the hub, `sha256` is the published file's. Without a tag
    and a file, the weights are the user's. `image_size` stands for the architecture's own; `ignorable` are
    patterns of keys in the weights that the architecture has no place for.

    Raises:
        CardError: the settings name no architecture and no folder, or weights twice.
        UnknownName: open_clip has no such architecture.
    """
    on_hub = repository is not None and file is not None
    if (repository is None) is not (file is None) or (sha256 is not None and not on_hub):
        raise CardError(f"{origin.name}: settings want repository and file together; correct the card")
    if (arch is None) == (directory is None) or sum((arch is None, pretrained is not None, on_hub)) > 1:
        raise CardError(
            f"{origin.name}: settings want either arch, with pretrained or with repository and file, or "
            "directory; correct the card"
        )
    adapt = partial(_of_size, size=image_size)
    find: Callable[[Origin], Recipe]
    if directory is not None:
        if origin.folder is None:
            raise CardError(f"{origin.name}: directory is relative to a card's folder, and there is no card")
        find = partial(from_folder, folder=origin.folder / directory, adapt=adapt)
        return ClipCheckpoint(origin, "clip", find, ignorable)
    assert arch is not None
    check_architecture(arch)
    if repository is not None and file is not None:
        find = partial(_on_hub, arch=arch, adapt=adapt, repository=repository, file=file, sha256=sha256)
    else:
        find = partial(from_registry, arch=arch, tag=pretrained, adapt=adapt)
    return ClipCheckpoint(origin, "clip", find, ignorable)


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


def _on_hub(
    origin: Origin,
    *,
    arch: str,
    adapt: Callable[[Config], Config],
    repository: str,
    file: str,
    sha256: str | None,
) -> Recipe:
    config = adapt(architecture_config(arch))
    return from_files(origin, config=config, facts={}, repository=repository, file=file, sha256=sha256)


def _of_size(config: Config, *, size: int | None) -> Config:
    """A configuration for images of another size."""
    if size is None:
        return config
    return {**config, "vision_cfg": {**section(config, "vision_cfg"), "image_size": size}}
