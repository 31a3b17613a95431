"""open_clip models built without drawing random weights, and filled with those of a file."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from fnmatch import fnmatch
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from vlbench.adapters.architectures import Config, section
from vlbench.adapters.dual_encoder import DualEncoder, Normalisation
from vlbench.adapters.precision import check_placement
from vlbench.adapters.preprocess import preprocess_for
from vlbench.adapters.recipe import Recipe
from vlbench.adapters.text_tower import PromptEncoder, TextTower
from vlbench.adapters.tokenizers import check_transformers, tokenizer_of
from vlbench.adapters.weights import StateDict, read_state_dict
from vlbench.core.contracts import ModelInfo, Placement, PreprocessMode, ScoreUnit
from vlbench.core.errors import Unsupported, WeightsError

Construct = Callable[[Config], nn.Module]
"""Builds the network of a configuration."""

Convert = Callable[[StateDict, Path], StateDict]
"""Turns the state dict of a file into the network's; the path stands in errors."""

_NAMED = 5
"""How many keys an error names before it counts the rest."""

_POSITIONS = ("visual.positional_embedding", "positional_embedding", "text.positional_embedding")
"""Keys whose rows open_clip resamples when the image or context has another size."""

_IGNORED = ("*.position_ids", "*attn_mask", "input_resolution", "context_length", "vocab_size")
"""Buffers that hold no weight: of old transformers and of archives."""

_NOT_NEEDED = "*.num_batches_tracked"


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
    model = filled_model(recipe.config, recipe.weights, ignorable, construct, convert)
    scale = float(cast(Tensor, model.logit_scale).detach().exp())
    bias = cast(Tensor | None, model.logit_bias)
    info = ModelInfo(
        name=name,
        unit=ScoreUnit("cosine", scale, 0.0 if bias is None else float(bias.detach())),
        image_size=recipe.preprocessing.size,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        feature_shape=(cast(int, recipe.config["embed_dim"]),),
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
) -> nn.Module:
    """An open_clip model in evaluation mode on the CPU, its parameters mapped from the file if possible."""
    construct = construct or constructed
    if weights.suffix in {".npz", ".npy"}:
        return _frozen(_filled_from_big_vision(config, weights, construct))
    state = read_state_dict(weights)
    if convert is not None:
        state = convert(state, weights)
    model = _skeleton(config, construct)
    if model is not None:
        fill(model, state, weights=weights, ignorable=ignorable)
        _rebuild_masks(model)
    if model is None or _is_meta(model):
        model = _built(config, construct)
        fill(model, state, weights=weights, ignorable=ignorable)
    return _frozen(model)


def fill(model: nn.Module, state: StateDict, *, weights: Path, ignorable: Sequence[str] = ()) -> None:
    """Put a state dict into a model as float32, after open_clip's own conversions of older layouts.

    Raises:
        WeightsError: a key is missing, unexpected or of another shape; the first few are named.
    """
    state = {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
    state = _conformed(model, state, weights)
    own = model.state_dict()
    ignored = [key for key in state if any(fnmatch(key, pattern) for pattern in (*_IGNORED, *ignorable))]
    unexpected = [key for key in state if key not in own and key not in ignored]
    missing = [key for key in own if key not in state and not fnmatch(key, _NOT_NEEDED)]
    if missing or unexpected:
        problems = [listed(f"lacks {len(missing)} keys", missing)] if missing else []
        problems += [listed(f"has {len(unexpected)} unexpected keys", unexpected)] if unexpected else []
        raise WeightsError(
            f"{weights}: {' and '.join(problems)}; these are not weights of this architecture "
            "(a card can list keys to leave out as `ignorable`)"
        )
    _check_shapes(state, own, weights)
    kept = {key: value for key, value in state.items() if key in own}
    model.load_state_dict(kept, strict=False, assign=True)


def _conformed(model: nn.Module, state: StateDict, weights: Path) -> StateDict:
    """The state dict in the layout of the model: open_clip/factory.py, load_checkpoint."""
    from open_clip.convert import convert_state_dict
    from open_clip.model import convert_to_custom_text_state_dict, resize_pos_embed, resize_text_pos_embed

    state = convert_state_dict(model, state)
    if "positional_embedding" in state and not hasattr(model, "positional_embedding"):
        state = convert_to_custom_text_state_dict(state)
    for key in ("logit_scale", "logit_bias"):
        own = getattr(model, key, None)
        if key in state and own is not None and state[key].numel() == own.numel():
            state[key] = state[key].reshape(own.shape)
    if "logit_bias" not in state and "logit_scale" in state and model.logit_bias is not None:
        state["logit_bias"] = torch.zeros_like(state["logit_scale"])
    own_state = model.state_dict()
    for key in _POSITIONS:
        if key in state and key in own_state and state[key].shape[1:] != own_state[key].shape[1:]:
            _check_shapes({key: state[key]}, own_state, weights)
    try:
        resize_pos_embed(state, model)
        resize_text_pos_embed(state, model)
    except (RuntimeError, AttributeError, AssertionError) as error:
        raise WeightsError(
            f"{weights}: its position embeddings fit no grid of this model ({error})"
        ) from error
    return state


def _check_shapes(state: StateDict, own: StateDict, weights: Path) -> None:
    wrong = [
        f"{key} {tuple(value.shape)} instead of {tuple(own[key].shape)}"
        for key, value in state.items()
        if key in own and value.shape != own[key].shape
    ]
    if wrong:
        raise WeightsError(
            f"{weights}: {listed(f'{len(wrong)} tensors of another shape', wrong)}; name the architecture "
            "that these weights belong to"
        )


def listed(what: str, names: Sequence[str]) -> str:
    """The first few of a list of names, the rest counted."""
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{what}: {', '.join(names[:_NAMED])}{rest}"


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

    model = _built(config, construct)
    try:
        load_big_vision_weights(model, str(weights))
    except (KeyError, AttributeError, AssertionError, RuntimeError, ValueError) as error:
        raise WeightsError(f"{weights}: no big_vision weights of this architecture ({error})") from error
    return model


def _frozen(model: nn.Module) -> nn.Module:
    return model.eval().requires_grad_(requires_grad=False)
