"""Dual encoders from the transformers package: CLIP, SigLIP, ALIGN, MetaCLIP 2, Chinese-CLIP."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.core.contracts import Identity, Origin, Placement
from vlbench.core.errors import CardError
from vlbench.models.clip.checkpoint import DUAL_ENCODER
from vlbench.models.shared.named import NamedCheckpoint, beside_card
from vlbench.models.shared.recipe import check_transformers
from vlbench.models.transformers.files import Files, files_in, files_of, identity_of

if TYPE_CHECKING:
    from vlbench.models.shared.dual_encoder import DualEncoder


@dataclass(frozen=True)  # no slots: cached_property
class TransformersCheckpoint(NamedCheckpoint):
    """A dual encoder from transformers, as a Checkpoint of core/contracts. Files are found when needed."""

    find: Callable[[Origin], Files]
    context: int | None = None
    adapter: str = "transformers"
    capabilities: frozenset[str] = DUAL_ENCODER

    @cached_property
    def files(self) -> Files:
        """What the model is made of; may download its files.

        Raises:
            WeightsError: a file is missing and cannot be downloaded.
        """
        return self.find(self.origin)

    @property
    def weights(self) -> Path:
        return self.files.weights

    def identify(self) -> Identity:
        """Digests of the image side, the text side and the whole."""
        return identity_of(
            self.files, context=self.context, preprocess=self.origin.preprocess, cache=self.origin.cache
        )

    def load(self, placement: Placement) -> "DualEncoder":
        """The model on a device, its parameters in float32.

        Raises:
            WeightsError: a file cannot be read, or a key is missing, unexpected or has another shape.
            Unsupported: the model type, image processor or tokenizer is not supported, or the device, the
                precision or the package transformers is not available.
        """
        check_transformers(self.origin.name)
        from vlbench.models.shared.precision import check_placement
        from vlbench.models.transformers import images, network, texts

        check_placement(placement)
        files = self.files
        with network.quiet():
            config = network.config_of(files)
            rule = images.rule_of(files, config, name=self.name)
            filled = network.filled_model(config, files.weights)
            filled[0].to(placement.device)
            encoder, told = texts.padded_texts(
                files, config, filled, context=self.context, placement=placement
            )
        files = replace(files, changes=(*files.changes, *filter(None, [told])))
        return images.dual_encoder(
            files,
            config,
            filled,
            encoder,
            name=self.name,
            rule=rule,
            placement=placement,
            preprocess=self.origin.preprocess,
        )


def transformers(
    origin: Origin,
    /,
    *,
    reference: str | None = None,
    repository: str | None = None,
    revision: str | None = None,
    directory: str | None = None,
    context: int | None = None,
) -> TransformersCheckpoint:
    """`transformers:ORGANISATION/NAME`, a folder of the transformers package, or either in a card.

    `reference` is a folder from `save_pretrained` if there is one with this name, else ORGANISATION/NAME.
    `directory` is next to the card. `revision` is a commit; `context` is the number of tokens to which texts
    are padded and truncated.

    Raises:
        CardError: the settings name no model or several.
    """
    if sum(place is not None for place in (reference, repository, directory)) != 1:
        raise CardError(f"{origin.name}: settings want either repository, or directory; correct the card")
    if revision is not None and repository is None:
        raise CardError(f"{origin.name}: revision is a repository's; name the repository, or remove it")
    if context is not None and context < 1:
        raise CardError(f"{origin.name}: context is {context}; give 1 or more")
    find: Callable[[Origin], Files]
    if directory is not None:
        find = partial(files_in, folder=beside_card(origin, directory, "directory"))
    elif reference is not None and Path(reference).expanduser().is_dir():
        find = partial(files_in, folder=Path(reference).expanduser())
    else:
        find = partial(files_of, repository=str(repository or reference), revision=revision)
    return TransformersCheckpoint(origin, find, context)
