"""RAM++, RAM and Tag2Text by name: their files, their digests and their text side, found without torch."""

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.core.capabilities import CAPTIONS, NAMES_ALONE, TOKENS, VECTORS
from vlbench.core.code_digest import digest_of_code
from vlbench.core.contracts import Checkpoint, Identity, Origin, Placement, PreprocessMode
from vlbench.core.digest import digest_of
from vlbench.core.errors import CardError, Unsupported, WeightsError
from vlbench.core.files import remembered_sha256
from vlbench.models.clip.architectures import from_files
from vlbench.models.ram.settings import TaggerSettings
from vlbench.models.ram.tag_lists import RAM_TEMPLATES
from vlbench.models.shared.recipe import Recipe

if TYPE_CHECKING:
    from vlbench.models.ram.model import TaggerModel

PREPROCESSING = {
    "mean": (0.485, 0.456, 0.406),
    "std": (0.229, 0.224, 0.225),
    "interpolation": "bilinear",
    "resize_mode": "squash",
}
"""ImageNet's statistics after a resize that keeps no ratio (recognize-anything, ram/transform.py)."""

PACKAGED_WEIGHTS = "model.safetensors"
"""Name of the weights in a card's `directory`."""

_IMAGES = "vlbench.models.ram.images"
_TEXTS = "vlbench.models.ram.texts"
_SCORES = "vlbench.models.ram.model"
"""Root modules of what decides an image's tokens, what a tag is known by, and a score of the two."""

_DIGITS = 12
"""Hexadecimal digits of a file's SHA-256 in the name of a model with weights of the user's own."""


@dataclass(frozen=True)  # no slots: cached_property
class TaggerCheckpoint:
    """A tagger that is named and not loaded: a Checkpoint of core/contracts.py."""

    origin: Origin
    settings: TaggerSettings

    @property
    def capabilities(self) -> frozenset[str]:
        settings = self.settings
        found = {
            NAMES_ALONE: settings.vocabulary == "closed",
            CAPTIONS: settings.captions is not None,
            TOKENS: settings.vocabulary == "open",
            VECTORS: settings.family != "tag2text",
        }
        return frozenset(name for name, has in found.items() if has)

    @property
    def adapter(self) -> str:
        return self.settings.family

    @cached_property
    def name(self) -> str:
        """The name asked for; with weights of the user's own, also the start of their SHA-256."""
        if self.origin.weights is None:
            return self.origin.name
        return f"{self.origin.name}@{self._sha256[:_DIGITS]}"

    @property
    def preprocess_mode(self) -> PreprocessMode:
        return self.origin.preprocess

    @cached_property
    def recipe(self) -> Recipe:
        """The weights and how images become pixels; may fetch the file.

        Raises:
            WeightsError: the card names no file and the user none, or it cannot be had.
        """
        settings = self.settings
        origin, packaged = self.origin, False
        if origin.weights is None and settings.directory is not None and origin.folder is not None:
            origin = replace(origin, weights=origin.folder / settings.directory / PACKAGED_WEIGHTS)
            packaged = True
        if origin.weights is None and settings.repository is None:
            raise WeightsError(
                f"{origin.name}: no hub repository has its file; fetch it as `vlbench show {origin.name}` "
                "says and pass it as --weights FILE"
            )
        found = from_files(
            origin,
            config={"vision_cfg": {"image_size": settings.network.image_size}},
            facts=PREPROCESSING,
            repository=settings.repository or "",
            file=settings.file or "",
            sha256=settings.sha256,
        )
        return replace(found, origin=f"folder:{PACKAGED_WEIGHTS}") if packaged else found

    @cached_property
    def text_base(self) -> Checkpoint | None:
        """The model whose text tower reads tags in open vocabulary; None in closed.

        Raises:
            UnknownName: nobody has a model of that name.
            Unsupported: models are not opened by name here.
        """
        name = self.settings.text_model
        if self.settings.vocabulary == "closed" or name is None:
            return None
        if self.origin.open is None:
            raise Unsupported(
                f"{self.origin.name}: no way to its text model {name!r}; open it by vlbench.load_model"
            )
        return self.origin.open(name, weights=self.settings.text_weights)

    def identify(self) -> Identity:
        """Digests of both sides: one image side for both vocabularies, a text side for each."""
        settings, base = self.settings, self._base_identity
        both = {
            "family": settings.family,
            "weights": self._sha256,
            "torch": version("torch"),
        }
        image = digest_of(
            {
                **both,
                "network": settings.network.image_side,
                "preprocessing": asdict(self.recipe.preprocessing),
                "mode": self.origin.preprocess,
                "pillow": version("pillow"),
                "torchvision": version("torchvision"),
                "timm": version("timm"),
                "code": digest_of_code(_IMAGES, cache=self.origin.cache),
            }
        )
        text = digest_of(
            {
                **both,
                "vocabulary": settings.vocabulary,
                "base": base.text if base else self._tags_sha256,
                "templates": RAM_TEMPLATES.read_text(encoding="utf-8") if base else None,
                "ids": settings.ids,
                "sizes": [settings.network.hidden, settings.network.descriptions],
                "code": digest_of_code(_TEXTS, cache=self.origin.cache),
            }
        )
        whole = {
            "image": image,
            "text": text,
            "vocabulary": settings.vocabulary,
            "network": settings.network.as_mapping(),
            "threshold": settings.threshold,
            "ignorable": settings.ignorable,
            "code": digest_of_code(_SCORES, cache=self.origin.cache),
        }
        return Identity(
            image=image,
            text=text,
            whole=digest_of(whole),
            weights={**(base.weights if base else {}), self.recipe.weights.name: self._sha256},
            origin=" + ".join(part.origin for part in (self.recipe, base) if part),
        )

    def load(self, placement: Placement) -> "TaggerModel":
        """The model on a device; see load_tagger for what it raises."""
        from vlbench.models.ram.model import load_tagger
        from vlbench.models.ram.tag2text_model import with_captions

        model = load_tagger(
            self.settings,
            self.recipe,
            name=self.name,
            placement=placement,
            preprocess=self.origin.preprocess,
            text_base=self.text_base,
        )
        return with_captions(model, self.settings, self.recipe.weights)

    @property
    def _sha256(self) -> str:
        return remembered_sha256(self.recipe.weights, self.origin.cache)

    @property
    def _tags_sha256(self) -> str:
        path = self.settings.tags
        if path is None or not path.is_file():
            raise CardError(f"{self.origin.name}: {path}: no such file; `tags` lies beside the card")
        return remembered_sha256(path, self.origin.cache)

    @property
    def _base_identity(self) -> Identity | None:
        if self.text_base is None:
            return None
        try:
            return self.text_base.identify()
        except WeightsError as error:
            raise WeightsError(
                f"{self.origin.name}: its text model: {error} (--weights of this one is the tagger)"
            ) from error


def beside_card(origin: Origin, file: str | None, setting: str) -> Path | None:
    """A file that a setting names, relative to the card's folder.

    Raises:
        CardError: the path is relative and there is no card.
    """
    if file is None or Path(file).is_absolute():
        return None if file is None else Path(file)
    if origin.folder is None:
        raise CardError(f"{origin.name}: {setting} is relative to a card's folder, and there is no card")
    return origin.folder / file
