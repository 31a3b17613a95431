"""The image side of an open_clip model, preprocessing and tower, and the model made of both sides."""

from collections.abc import Callable
from functools import partial
from typing import cast

from torch import Tensor

from vlbench.core.contracts import ModelInfo, Placement, PreprocessMode, ScoreUnit
from vlbench.models.clip.network import Network
from vlbench.models.shared.dual_encoder import DualEncoder, TextEncoder, normalised
from vlbench.models.shared.preprocess import preprocess_for
from vlbench.models.shared.recipe import Recipe
from vlbench.models.shared.weights import scale_of


def dual_encoder(
    recipe: Recipe,
    network: Network,
    text_encoder: TextEncoder,
    *,
    name: str,
    placement: Placement,
    preprocess: PreprocessMode,
) -> DualEncoder:
    """The model of a recipe: the image tower of a network with a text encoder.

    Raises:
        WeightsError: the weights have no scale of cosines, or the configuration has no preprocessing.
    """
    model, changes = network
    scale, bias = (
        scale_of(recipe.weights, cast(Tensor, model.logit_scale)),
        cast(Tensor | None, model.logit_bias),
    )
    return DualEncoder(
        info=ModelInfo(
            name=name,
            unit=ScoreUnit("cosine", scale, 0.0 if bias is None else float(bias.detach())),
            image_size=recipe.preprocessing.size,
            parameters=sum(parameter.numel() for parameter in model.parameters()),
            feature_shape=(cast(int, recipe.config["embed_dim"]),),
            changes=(*recipe.changes, *changes),
        ),
        preprocess=preprocess_for(recipe.preprocessing, preprocess),
        normalisation=partial(normalised, mean=recipe.preprocessing.mean, std=recipe.preprocessing.std),
        image_tower=cast(Callable[[Tensor], Tensor], model.encode_image),
        text_encoder=text_encoder,
        placement=placement,
    )
