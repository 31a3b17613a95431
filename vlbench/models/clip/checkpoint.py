"""CLIP and its relatives in open_clip: any architecture and tag, hub repositories, folders, own weights."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.core.capabilities import PAIRS, TOKENS, VECTORS
from vlbench.core.code_digest import digest_of_code
from vlbench.core.contracts import Identity, Origin, Placement
from vlbench.core.digest import digest_of
from vlbench.core.errors import CardError, WeightsError
from vlbench.core.files import remembered_sha256
from vlbench.models.clip.architectures import (
    architecture_config,
    check_architecture,
    from_files,
    from_hub,
    from_registry,
)
from vlbench.models.clip.long_clip import one_table
from vlbench.models.shared.named import NamedCheckpoint, beside_card, version_or_none
from vlbench.models.shared.recipe import MERGES_FILE, Config, Recipe, from_folder, section

if TYPE_CHECKING:
    from torch import nn

    from vlbench.models.shared.dual_encoder import DualEncoder
    from vlbench.models.shared.weights import Weights

DUAL_ENCODER = frozenset({PAIRS, TOKENS, VECTORS})
"""The capabilities of a model with two towers."""

_IMAGES = "vlbench.models.clip.images"
_TEXTS = "vlbench.models.clip.texts"
"""The root modules of the sides: they and what they import determine the features."""

_TOKENIZER_FILES = ("*token*", "vocab*", "merges*", "*.model")
"""Patterns for the files in a folder that a tokenizer of transformers is made of."""

_LONG = 248
"""How many tokens a text of Long-CLIP has (Zhang et al. 2024, section 3.1: 20 + 4 * 57)."""


@dataclass(frozen=True)  # no slots: cached_property
class ClipCheckpoint(NamedCheckpoint):
    """A model that open_clip can build, as a Checkpoint of core/contracts. Files are found when needed."""

    adapter: str
    find: Callable[[Origin], Recipe]
    ignorable: tuple[str, ...] = ()
    capabilities: frozenset[str] = DUAL_ENCODER
    construct: "Callable[[Config], nn.Module] | None" = None
    """Builds the network, if it is not a plain one of open_clip; its module belongs to the image side."""
    convert: "Callable[[Weights], Weights] | None" = None
    """Converts a file's state dict for the network, if open_clip does not; it belongs to the text side."""

    @cached_property
    def recipe(self) -> Recipe:
        """What the model is made of; may download its files.

        Raises:
            UnknownName: open_clip has no such tag.
            WeightsError: a file is missing and cannot be downloaded, or a configuration is none.
        """
        try:
            return self.find(self.origin)
        except (TypeError, ValueError) as error:
            raise WeightsError(
                f"{self.origin.name}: its configuration says what none does ({error}); correct it"
            ) from error

    @property
    def weights(self) -> Path:
        return self.recipe.weights

    def identify(self) -> Identity:
        """Digests of both sides and of the whole.

        A text setting does not change the image digest, nor vice versa.
        """
        recipe, cache = self.recipe, self.origin.cache
        vision, text = section(recipe.config, "vision_cfg"), section(recipe.config, "text_cfg")
        both = {
            "embed_dim": recipe.config.get("embed_dim"),
            "quick_gelu": recipe.config.get("quick_gelu"),
            "weights": self.weights_sha256,
            "ignorable": list(self.ignorable),
            "open_clip": version("open_clip_torch"),
            "torch": version("torch"),
        }
        image = {
            **both,
            "vision_cfg": vision,
            "preprocessing": asdict(recipe.preprocessing),
            "mode": self.origin.preprocess,
            "pillow": version("pillow"),
            "torchvision": version("torchvision"),
            "timm": version("timm") if "timm_model_name" in vision else None,
            "code": digest_of_code(_IMAGES, *filter(None, [self.construct]), cache=cache),
        }
        words = {
            **both,
            "text_cfg": text,
            "custom_text": recipe.config.get("custom_text"),
            "tokenizer": tokenizer_facts(recipe, cache),
            "code": digest_of_code(_TEXTS, *filter(None, [self.convert]), cache=cache),
        }
        return Identity(
            image=digest_of(image),
            text=digest_of(words),
            whole=digest_of({"config": recipe.config, "image": image, "text": words}),
            weights={recipe.weights.name: self.weights_sha256},
            origin=recipe.origin,
        )

    def load(self, placement: Placement) -> "DualEncoder":
        """The model on a device, its parameters in float32.

        Raises:
            WeightsError: a file cannot be read, or a key is missing, unexpected or has another shape.
            Unsupported: the device or precision is not available, or a package that the model needs is not
                installed.
        """
        from vlbench.models.clip import images, network, texts
        from vlbench.models.shared.precision import check_placement

        check_placement(placement)
        recipe = self.recipe
        filled = network.filled_model(
            recipe.config, recipe.weights, self.ignorable, self.construct, self.convert
        )
        filled[0].to(placement.device)
        text_encoder, told = texts.prompt_encoder(recipe, filled, placement)
        recipe = replace(recipe, changes=(*recipe.changes, *filter(None, [told])))
        return images.dual_encoder(
            recipe,
            filled,
            text_encoder,
            name=self.name,
            placement=placement,
            preprocess=self.origin.preprocess,
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
    """A card's model: an architecture of open_clip with a tag or a hub file, or a folder next to the card.

    `repository` and `file` name a state dict on the hub, `sha256` is its digest. Without a tag and a file,
    the user gives the weights. `image_size` replaces the architecture's; `ignorable` are patterns for keys in
    the weights that the architecture does not have.

    Raises:
        CardError: the settings name neither an architecture nor a folder, or name weights twice.
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
    adapt = None if image_size is None else partial(_of_size, size=image_size)
    if arch is not None and not on_hub:
        check_architecture(arch)
        find: Callable[[Origin], Recipe] = partial(from_registry, arch=arch, tag=pretrained, adapt=adapt)
    else:
        find = file_or_folder(
            origin,
            arch=arch,
            repository=repository,
            file=file,
            sha256=sha256,
            directory=directory,
            adapt=adapt,
        )
    return ClipCheckpoint(origin, "clip", find, ignorable)


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
    """A card's model: OpenAI's CLIP tuned for texts of 248 tokens, from a hub file or the card's folder.

    `arch` is open_clip's architecture, `sha256` the file's digest. Longer texts are truncated to 248 tokens.

    Raises:
        CardError: the settings name neither a hub file nor a folder, or both.
        UnknownName: open_clip has no such architecture.
    """
    find = file_or_folder(
        origin,
        arch=arch,
        repository=repository,
        file=file,
        sha256=sha256,
        directory=directory,
        adapt=_of_long_texts if directory is None else None,
    )
    return ClipCheckpoint(origin, "long_clip", find, convert=one_table)


def file_or_folder(
    origin: Origin,
    *,
    arch: str | None,
    repository: str | None,
    file: str | None,
    sha256: str | None,
    directory: str | None,
    facts: Config | None = None,
    adapt: Callable[[Config], Config] | None = None,
) -> Callable[[Origin], Recipe]:
    """A function that finds the recipe of a card: an architecture with a hub file, or a folder next to the
    card.

    Raises:
        CardError: the settings name neither or both.
        UnknownName: open_clip has no such architecture.
    """
    named = (arch, repository, file)
    if directory is not None and named == (None, None, None):
        return partial(from_folder, folder=beside_card(origin, directory, "directory"), adapt=adapt)
    if directory is not None or arch is None or repository is None or file is None:
        raise CardError(
            f"{origin.name}: settings want either arch, repository and file, or directory; correct the card"
        )
    config = architecture_config(arch)
    config = adapt(config) if adapt else config
    return partial(
        from_files, config=config, facts=facts or {}, repository=repository, file=file, sha256=sha256
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


def _of_size(config: Config, *, size: int) -> Config:
    """A configuration for images of another size."""
    return {**config, "vision_cfg": {**section(config, "vision_cfg"), "image_size": size}}


def _of_long_texts(config: Config) -> Config:
    """A configuration for texts of 248 tokens."""
    return {**config, "text_cfg": {**section(config, "text_cfg"), "context_length": _LONG}}


def tokenizer_facts(recipe: Recipe, cache: Path | None) -> Mapping[str, object]:
    """What can change the tokens of a recipe beyond its text_cfg and open_clip's version."""
    facts: dict[str, object] = {}
    if recipe.merges is not None:
        facts[MERGES_FILE] = remembered_sha256(recipe.merges, cache)
    if section(recipe.config, "text_cfg").get("hf_tokenizer_name"):
        facts["transformers"] = version_or_none("transformers")
        if recipe.folder is not None:
            found = {path for pattern in _TOKENIZER_FILES for path in recipe.folder.glob(pattern)}
            facts.update((path.name, remembered_sha256(path, cache)) for path in sorted(found))
    return facts
