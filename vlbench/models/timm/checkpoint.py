"""Image towers of the package timm, such as DINOv2: they read no words, but can be probed and clustered."""

import json
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.core.capabilities import IMAGES_ALONE, VECTORS
from vlbench.core.code_digest import digest_of_code
from vlbench.core.contracts import Identity, Origin, Placement
from vlbench.core.digest import digest_of
from vlbench.core.errors import UnknownName, WeightsError
from vlbench.core.files import remembered
from vlbench.core.json_text import parsed_json
from vlbench.models.clip.architectures import from_files
from vlbench.models.shared.named import NamedCheckpoint
from vlbench.models.shared.recipe import Recipe

if TYPE_CHECKING:
    from vlbench.models.timm.images import ImageModel

_IMAGES = "vlbench.models.timm.images"
"""The root module of the image side."""

_FILE = "model.safetensors"
"""The name of the weights file in every repository that timm names."""


@dataclass(frozen=True)  # no slots: cached_property
class TimmCheckpoint(NamedCheckpoint):
    """An image encoder without a text side, as a Checkpoint of core/contracts.

    Files are found when needed.
    """

    reference: str
    adapter: str = "timm"
    capabilities: frozenset[str] = frozenset({IMAGES_ALONE, VECTORS})

    @cached_property
    def recipe(self) -> Recipe:
        """What the model is made of, with image size and statistics from timm; may download its file.

        Raises:
            UnknownName: timm has no such model.
            WeightsError: the file is missing and cannot be downloaded, or timm names none.
        """
        key = f"timm|{self.reference}|{version('timm')}"
        stated = parsed_json(remembered(key, self.origin.cache, partial(_stated, self.reference)))
        if not stated["repository"] and self.origin.weights is None:
            raise WeightsError(f"{self.origin.name}: timm names no weights on the hub; pass --weights FILE")
        return from_files(self.origin, **stated, file=_FILE, sha256=None)

    @property
    def weights(self) -> Path:
        return self.recipe.weights

    def identify(self) -> Identity:
        """Digests of the image side and of the whole; there is no text side."""
        recipe = self.recipe
        packages = ("timm", "torch", "torchvision", "pillow")
        image = digest_of(
            {
                "config": recipe.config,
                "weights": self.weights_sha256,
                "mode": self.origin.preprocess,
                "packages": {name: version(name) for name in packages},
                "code": digest_of_code(_IMAGES, cache=self.origin.cache),
            }
        )
        weights = {recipe.weights.name: self.weights_sha256}
        return Identity(image, text="", whole=digest_of([image]), weights=weights, origin=recipe.origin)

    def load(self, placement: Placement) -> "ImageModel":
        """The model on a device, its parameters in float32.

        Raises:
            WeightsError: a file cannot be read, or a key is missing, unexpected or has another shape.
            Unsupported: the device or precision is not available.
        """
        from vlbench.models.timm.images import image_model

        return image_model(
            self.recipe, name=self.name, placement=placement, preprocess=self.origin.preprocess
        )


def timm(origin: Origin, /, *, reference: str) -> TimmCheckpoint:
    """`timm:NAME`: the image tower of a timm model without its classifier. It reads no words."""
    return TimmCheckpoint(origin, reference)


def _stated(name: str) -> str:
    """What timm states about a model, as JSON. The cache keeps it, since importing timm takes seconds.

    Raises:
        UnknownName: timm has no such model.
    """
    from timm.data import resolve_data_config
    from timm.models import get_pretrained_cfg, list_models, list_pretrained

    known = {*list_models(), *list_pretrained()}
    if name not in known:
        raise UnknownName("timm model", name, sorted(known), advice="timm.list_models() lists all")
    stated = get_pretrained_cfg(name, allow_unregistered=False).to_dict()
    data = resolve_data_config(pretrained_cfg=stated)
    vision = {"timm_model_name": name, "image_size": data["input_size"][1:], "data": data}
    facts = {**data, "resize_mode": "squash" if data["crop_mode"] == "squash" else "shortest"}
    whole = {"config": {"vision_cfg": vision}, "facts": facts, "repository": stated.get("hf_hub_id", "")}
    return json.dumps(whole)
