"""Image encoders without a text side: a timm tower, and timm's evaluation transform up to its floats."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import methodcaller
from typing import Never, cast

import torch
from PIL.Image import Image
from torch import Tensor, nn

from vlbench.core.contracts import ModelInfo, Placement, PreprocessMode, ScoreUnit, Text
from vlbench.core.errors import Unsupported, WeightsError
from vlbench.models.clip.network import filled_model
from vlbench.models.shared.dual_encoder import normalised
from vlbench.models.shared.precision import check_placement, inference
from vlbench.models.shared.preprocess import ExactPreprocess, FastPreprocess, Transform
from vlbench.models.shared.recipe import Config, Recipe, section
from vlbench.models.shared.weights import Weights, listed, within


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageModel:
    """An image tower only: a Model of core/contracts and a Vectors of core/capabilities.py.

    `image_tower` maps normalised pixels [b, 3, h, w] to pooled features [b, d].
    """

    info: ModelInfo
    preprocess: Transform
    normalisation: Callable[[Tensor], Tensor]
    image_tower: Callable[[Tensor], Tensor]
    placement: Placement

    def encode_images(self, pixels: Tensor) -> Tensor:
        """Pooled features [b, d] of uint8 pixels [b, 3, h, w]."""
        with inference(self.placement):
            features = self.image_tower(self.normalisation(pixels.to(self.placement.device)))
        return features.float().contiguous()

    def vectors(self, features: Tensor) -> Tensor:
        """The features [b, d] of images unchanged."""
        return features

    def encode_texts(self, texts: Sequence[Text], *, batch_size: int) -> Never:  # noqa: ARG002
        """Raise Unsupported, since there is no text tower."""
        raise Unsupported(f"{self.info.name} reads images alone; choose a model that reads words")

    def score(self, images: Tensor, texts: Tensor) -> Never:  # noqa: ARG002
        """Raise Unsupported, since texts have no features."""
        raise Unsupported(f"{self.info.name} reads images alone; choose a model that reads words")


def image_model(recipe: Recipe, *, name: str, placement: Placement, preprocess: PreprocessMode) -> ImageModel:
    """The model of a recipe, on a device.

    Raises:
        WeightsError: the file cannot be read, or has tensors of neither the tower nor a classifier.
        Unsupported: the device or precision is not available.
    """
    check_placement(placement)
    tower, changes = filled_model(
        recipe.config,
        recipe.weights,
        construct=constructed,
        convert=partial(of_tower, config=recipe.config),
    )
    stated = recipe.preprocessing
    return ImageModel(
        info=ModelInfo(
            name=name,
            unit=ScoreUnit("cosine"),
            image_size=stated.size,
            parameters=sum(parameter.numel() for parameter in tower.parameters()),
            feature_shape=(cast(int, tower.head_hidden_size),),
            changes=(*recipe.changes, *changes),
        ),
        preprocess=transform(recipe, preprocess),
        normalisation=partial(normalised, mean=stated.mean, std=stated.std),
        image_tower=tower.to(placement.device),
        placement=placement,
    )


def constructed(config: Config) -> nn.Module:
    """The tower of a configuration, whose output is what a classifier would read."""
    from timm import create_model

    return cast(nn.Module, create_model(_architecture(config), pretrained=False, num_classes=0))


def of_tower(weights: Weights, *, config: Config) -> Weights:
    """The weights of a configuration's tower, under any prefix, without those of a classifier.

    Raises:
        WeightsError: they belong to several models, or to one with two towers.
    """
    from timm import create_model

    with torch.device("meta"):
        model = create_model(_architecture(config), pretrained=False)
        keys = frozenset(model.state_dict())
        model.reset_classifier(0)
    own = model.state_dict()
    weights = within(weights, [max(own, key=len)])  # which no other key ends with
    if any(key.rpartition(".")[2] == "logit_scale" for key in weights.state):
        raise WeightsError(
            f"{weights.path}: weights of an image and a text tower; take open_clip:ARCHITECTURE or "
            "transformers:FOLDER"
        )
    left = [key for key in weights.state if key in keys and key not in own]
    if not left:
        return weights
    kept = {key: value for key, value in weights.state.items() if key not in left}
    return weights.having(kept, listed(f"{len(left)} tensors of a classifier not read", left))


def _architecture(config: Config) -> str:
    return cast(str, section(config, "vision_cfg")["timm_model_name"])


def transform(recipe: Recipe, mode: PreprocessMode) -> Transform:
    """The evaluation transform of timm for a mode; cropping and padding are the same in both modes."""
    from timm.data import create_transform

    data = section(section(recipe.config, "vision_cfg"), "data")
    *steps, _, _ = create_transform(**data, is_training=False).transforms  # without ToTensor, Normalize
    # timm's reader turns images to RGB before its transform
    as_rgb = cast(Callable[[Image], Image], methodcaller("convert", "RGB"))
    exact = ExactPreprocess((as_rgb, *steps))
    height, width = recipe.preprocessing.size
    squashed = data["crop_mode"] == "squash"
    whole = data["crop_pct"] == 1 and (squashed or (data["crop_mode"] == "center" and height == width))
    return FastPreprocess(recipe.preprocessing, exact) if mode == "fast" and whole else exact
