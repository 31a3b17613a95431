"""open_clip models built without drawing random weights, and filled with those of a file."""

import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import cast
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor, nn

from vlbench.adapters.architectures import Config, section
from vlbench.adapters.checkpoint_layout import Weights, listed
from vlbench.adapters.clip_weights import fill
from vlbench.adapters.dual_encoder import DualEncoder, Normalisation
from vlbench.adapters.file_kind import check_kind
from vlbench.adapters.precision import check_placement
from vlbench.adapters.preprocess import preprocess_for
from vlbench.adapters.recipe import Recipe
from vlbench.adapters.text_tower import PromptEncoder, TextTower
from vlbench.adapters.tokenizers import check_transformers, tokenizer_of, vocabulary_change
from vlbench.adapters.weight_values import check_values, scale_of
from vlbench.adapters.weights import read_weights
from vlbench.core.contracts import ModelInfo, Placement, PreprocessMode, ScoreUnit
from vlbench.core.errors import Unsupported, WeightsError

Construct = Callable[[Config], nn.Module]
"""Builds the network of a configuration."""

Convert = Callable[[Weights], Weights]
"""Turns the state dict of a file into the network's."""


_BIG_VISION = re.compile(
    r"(?:img/(?:embedding|cls|pos_embedding|Transformer|MAPHead_0)|txt/(?:Embed_0|pos_embedding|Encoder_0|head))(?:/|$)"
    r"|[bt]$"
)
"""Arrays of Google's files that open_clip's reader takes (open_clip/convert.py, load_big_vision_weights)."""


def load_clip(
    recipe: Recipe,
    *,
    name: str,
    placement: Placement,
    preprocess: PreprocessMode,
    ignorable: Sequence[str] = (),
    construct: Construct | None = None,
    convert: Convert | None = None,
) -> DualEncoder:
    """A recipe's model on a device, its parameters in float32.

    Raises:
        WeightsError: a file cannot be read, or a key is missing, unexpected or of another shape.
        Unsupported: the device or precision is not there, or a package that the model needs.
    """
    check_placement(placement)
    tokenizer = tokenizer_of(recipe)
    model, changes = filled_model(recipe.config, recipe.weights, ignorable, construct, convert)
    scale = scale_of(recipe.weights, cast(Tensor, model.logit_scale))
    bias = cast(Tensor | None, model.logit_bias)
    info = ModelInfo(
        name=name,
        unit=ScoreUnit("cosine", scale, 0.0 if bias is None else float(bias.detach())),
        image_size=recipe.preprocessing.size,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        feature_shape=(cast(int, recipe.config["embed_dim"]),),
        changes=(*recipe.changes, *vocabulary_change(recipe, tokenizer), *changes),
    )
    model = model.to(placement.device)
    tower = TextTower(model, tokenizer, placement, dimensions=cast(int, recipe.config["embed_dim"]))
    return DualEncoder(
        info=info,
        preprocess=preprocess_for(recipe.preprocessing, preprocess),
        normalisation=Normalisation.on(
            placement.device, mean=recipe.preprocessing.mean, std=recipe.preprocessing.std
        ),
        image_tower=cast(Callable[[Tensor], Tensor], model.encode_image),
        text_encoder=PromptEncoder(tower),
        placement=placement,
    )


def filled_model(
    config: Config,
    weights: Path,
    ignorable: Sequence[str] = (),
    construct: Construct | None = None,
    convert: Convert | None = None,
) -> tuple[nn.Module, tuple[str, ...]]:
    """An open_clip model in evaluation mode on the CPU, its parameters mapped from the file if possible.

    The second part says what was changed on the way.
    """
    construct = construct or constructed
    if weights.suffix in {".npz", ".npy"}:
        return _frozen(_filled_from_big_vision(config, weights, construct)), ()
    read = read_weights(weights)
    if convert is not None:
        read = convert(read)
    model, changes = _skeleton(config, construct), read.changes
    if model is not None:
        changes = fill(model, read, ignorable=ignorable)
        _rebuild_masks(model)
    if model is None or _is_meta(model):
        model = _built(config, construct)
        changes = fill(model, read, ignorable=ignorable)
    return _frozen(model), changes


def _skeleton(config: Config, construct: Construct) -> nn.Module | None:
    """The model without memory for its parameters; None where an architecture cannot be built so."""
    try:
        with torch.device("meta"):
            return construct(config)
    except RuntimeError:  # a layer that computes with its parameters while it is built
        return None


def _built(config: Config, construct: Construct) -> nn.Module:
    try:
        return construct(config)
    except RuntimeError as error:
        raise Unsupported(f"open_clip cannot build this architecture here: {error}") from error


def constructed(config: Config) -> nn.Module:
    """The model class that open_clip takes for a configuration: open_clip/factory.py, create_model."""
    from open_clip import CLIP, CoCa, CustomTextCLIP

    arguments = deepcopy(dict(config))
    text, vision = section(arguments, "text_cfg"), section(arguments, "vision_cfg")
    if "hf_model_name" in text:
        check_transformers(f"the text tower {text['hf_model_name']}")
        text["hf_model_pretrained"] = False
    if "timm_model_name" in vision:
        vision["timm_model_pretrained"] = False
    custom = arguments.pop("custom_text", False) or "hf_model_name" in text
    kind = CLIP
    if custom:
        kind = CoCa if "multimodal_cfg" in arguments else CustomTextCLIP
    try:
        return cast(nn.Module, kind(**{**arguments, "text_cfg": text, "vision_cfg": vision}))
    except TypeError as error:
        raise WeightsError(f"model_cfg: {error}; correct the configuration") from error
    except OSError as error:
        raise WeightsError(
            f"the configuration of {text.get('hf_model_name')} is not on this machine and could not be "
            f"fetched ({next(iter(str(error).splitlines()), '')}); copy the hub's cache from elsewhere"
        ) from error


def _rebuild_masks(model: nn.Module) -> None:
    """Causal masks are in no state dict; all of open_clip's are minus infinity above the diagonal."""
    for module in model.modules():
        for name, buffer in list(module.named_buffers(recurse=False)):
            if buffer.is_meta and name == "attn_mask":
                module.register_buffer(name, torch.full(buffer.shape, -np.inf).triu_(1), persistent=False)


def _is_meta(model: nn.Module) -> bool:
    return any(tensor.is_meta for tensor in (*model.parameters(), *model.buffers()))


def _filled_from_big_vision(config: Config, weights: Path, construct: Construct) -> nn.Module:
    """A SigLIP of Google's own .npz files."""
    from open_clip.convert import load_big_vision_weights

    check_kind(weights)
    model = _built(config, construct)
    try:
        load_big_vision_weights(model, str(weights))
        _check_all_read(model, weights)
    except (KeyError, AttributeError, AssertionError, RuntimeError, ValueError, BadZipFile) as error:
        raise WeightsError(f"{weights}: no big_vision weights of this architecture ({error})") from error
    return model


def _check_all_read(model: nn.Module, weights: Path) -> None:
    """Raise WeightsError where an .npz file holds more arrays, or more numbers, than the model took of it."""
    with np.load(weights) as arrays:
        root = "params/" if "params/b" in arrays else ""
        names = [name for name in arrays.files if name.startswith(root)]
        strange = [name for name in names if not _BIG_VISION.match(name.removeprefix(root))]
        count = sum(arrays[name].size for name in names)
    if strange:
        raise WeightsError(f"{weights}: {listed(f'has {len(strange)} unexpected arrays', strange)}")
    taken = sum(parameter.numel() for parameter in model.parameters())
    if count != taken:
        raise WeightsError(
            f"{weights}: holds {count} numbers, this architecture takes {taken}; name the architecture that "
            "these weights belong to"
        )
    check_values(
        Weights(weights, dict(model.named_parameters())), [name for name, _ in model.named_parameters()]
    )


def _frozen(model: nn.Module) -> nn.Module:
    return model.eval().requires_grad_(requires_grad=False)
