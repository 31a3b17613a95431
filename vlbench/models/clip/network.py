"""Networks of open_clip: built without drawing random weights, then filled from a file."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from math import isqrt
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import nn

from vlbench.core.errors import Unsupported, WeightsError
from vlbench.models.clip.big_vision import fill_from_big_vision
from vlbench.models.shared.file_kind import check_kind
from vlbench.models.shared.recipe import Config, check_transformers, section
from vlbench.models.shared.weight_files import read_weights
from vlbench.models.shared.weights import (
    Weights,
    check_state,
    in_float32,
    left_aside,
    listed,
    matching,
    refuse_unfit,
    within,
)

Construct = Callable[[Config], nn.Module]
"""A function that builds the network of a configuration."""

Convert = Callable[[Weights], Weights]
"""A function that converts the state dict of a file into the network's."""

Network = tuple[nn.Module, tuple[str, ...]]
"""A model in evaluation mode, and what was changed in its weights."""

_MEND = "name the architecture that these weights belong to"
_IMAGE_POSITIONS = "visual.positional_embedding"
_TEXT_POSITIONS = ("positional_embedding", "text.positional_embedding")
"""The keys whose rows open_clip resamples if the image or context has another size."""

_IGNORED = ("*.position_ids", "*attn_mask", "input_resolution", "context_length", "vocab_size")
"""Buffers that are not weights, from old transformers and from archives."""

_NOT_NEEDED = "*.num_batches_tracked"
_APPLE = ("image_encoder.model.", "text_encoder.", "logit_scale")
"""Where the keys are that open_clip converts from MobileCLIP's own files; it skips the rest."""

_APPLE_FIRST = (
    "image_encoder.model.patch_embed.0.rbr_conv.0.conv.weight",
    "image_encoder.model.patch_emb.0.block.conv.weight",
)


def filled_model(
    config: Config,
    weights: Path,
    ignorable: Sequence[str] = (),
    construct: Construct | None = None,
    convert: Convert | None = None,
) -> Network:
    """An open_clip model on the CPU, its parameters in float32 and mapped from the file if possible.

    `construct` builds the network if it is not a plain one of open_clip; `convert` converts the file's state
    dict for it.

    Raises:
        WeightsError: a file cannot be read, or a key is missing, unexpected or has another shape.
        Unsupported: open_clip cannot build the architecture.
    """
    construct = construct or constructed
    model: nn.Module | None = None
    changes: tuple[str, ...] = ()
    big_vision = weights.suffix in {".npz", ".npy"}
    if big_vision:
        check_kind(weights)
    else:
        read = read_weights(weights)
        read = convert(read) if convert is not None else read
        try:
            with torch.device("meta"):
                model = construct(config)
        except RuntimeError:
            pass  # a layer computes with its parameters while it is built
        else:
            changes = fill(model, read, ignorable=ignorable)
            _rebuild_masks(model)
    if model is None or any(tensor.is_meta for tensor in (*model.parameters(), *model.buffers())):
        try:
            model = construct(config)
        except RuntimeError as error:
            raise Unsupported(f"open_clip cannot build this architecture here: {error}") from error
        if big_vision:
            fill_from_big_vision(model, weights)
        else:
            changes = fill(model, read, ignorable=ignorable)
    return model.eval().requires_grad_(requires_grad=False), changes


def constructed(config: Config) -> nn.Module:
    """The model that open_clip builds for a configuration (open_clip/factory.py, create_model)."""
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
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise WeightsError(f"model_cfg: {error}; correct the configuration") from error
    except OSError as error:
        raise WeightsError(
            f"the configuration of {text.get('hf_model_name')} is not on this machine and could not be "
            f"fetched ({next(iter(str(error).splitlines()), '')}); copy the hub's cache from elsewhere"
        ) from error


def _rebuild_masks(model: nn.Module) -> None:
    """Fill the causal masks, which no state dict has: minus infinity above the diagonal."""
    for module in model.modules():
        for name, buffer in list(module.named_buffers(recurse=False)):
            if buffer.is_meta and name == "attn_mask":
                module.register_buffer(name, torch.full(buffer.shape, -np.inf).triu_(1), persistent=False)


def fill(model: nn.Module, weights: Weights, *, ignorable: Sequence[str] = ()) -> tuple[str, ...]:
    """Load weights into a model as float32, after open_clip's conversions of older layouts.

    Returns what was changed on the way.

    Raises:
        WeightsError: a key is missing, unexpected or has another shape, or its values are not finite.
    """
    weights = _conformed(model, in_float32(within(weights, ("logit_scale",))))
    state, own = weights.state, model.state_dict()
    ignored = matching((key for key in state if key not in own), _IGNORED)
    left = matching((key for key in state if key not in own and key not in ignored), ignorable)
    idle = matching((key for key in own if key not in state), [_NOT_NEEDED])
    needed = {key: value for key, value in own.items() if key not in idle}
    check_state(weights, needed, unread={*ignored, *left}, mend=_MEND)
    kept = {key: value for key, value in state.items() if key in own}
    model.load_state_dict(kept, strict=False, assign=True)
    said = left_aside(
        ("buffers without weights not read", ignored), ("tensors not read, as the card says", left)
    )
    return (*weights.changes, *said)


def _conformed(model: nn.Module, weights: Weights) -> Weights:
    """Bring weights into the layout of the model (open_clip/factory.py, load_checkpoint)."""
    if any(key in weights.state for key in _APPLE_FIRST):
        weights = _of_apple(model, weights)
    at_top = hasattr(model, "positional_embedding")
    if ("text.positional_embedding" if at_top else "positional_embedding") in weights.state:
        weights = _text_tower_moved(weights, to_top=at_top)
    state, said = dict(weights.state), []
    for key in ("logit_scale", "logit_bias"):
        own = getattr(model, key, None)
        if key in state and own is not None and state[key].numel() == own.numel():
            state[key] = state[key].reshape(own.shape)
    if "logit_bias" not in state and "logit_scale" in state and model.logit_bias is not None:
        state["logit_bias"] = torch.zeros_like(state["logit_scale"])
        said.append("logit_bias is not in the file and taken as 0")
    return _resampled(model, weights.having(state, *said))


def _of_apple(model: nn.Module, weights: Weights) -> Weights:
    """Rename weights of MobileCLIP's authors to open_clip's names."""
    from open_clip.convert import convert_state_dict

    others = [key for key in weights.state if not key.startswith(_APPLE)]
    refuse_unfit(weights.path, (), unexpected=others)
    state = convert_state_dict(model, dict(weights.state))
    return weights.having(
        state, f"{len(weights.state)} keys of MobileCLIP's authors made open_clip's {len(state)}"
    )


def _text_tower_moved(weights: Weights, *, to_top: bool) -> Weights:
    """Move the text tower in the weights to where the model has it: at the top, or under `text.`.

    open_clip writes `text.` with --force-custom-text and for some architectures; the tensors are the same.
    """
    from open_clip.model import convert_to_custom_text_state_dict

    state = weights.state
    if to_top:
        moved = {key.removeprefix("text."): value for key, value in state.items()}
        what = "text tower read from under 'text.' (custom text)"
    else:
        moved = convert_to_custom_text_state_dict(state)
        what = "text tower at the top read as under 'text.' (custom text)"
    if len(moved) != len(state):
        twice = [key for key in state if key.startswith("text.") and key.removeprefix("text.") in state]
        raise WeightsError(f"{weights.path}: {listed('holds two text towers', twice)}; save the one to score")
    count = len(moved.keys() - state.keys())
    return weights.having(moved, f"{what}: {count} keys") if count else weights


def _resampled(model: nn.Module, weights: Weights) -> Weights:
    """Resample tables of positions in the weights to the model's rows, as open_clip does.

    Raises:
        WeightsError: there are more text positions than the model reads, or image positions form no grid.
    """
    from open_clip.model import resize_pos_embed, resize_text_pos_embed

    state, own = dict(weights.state), model.state_dict()
    tables = [key for key in (_IMAGE_POSITIONS, *_TEXT_POSITIONS) if key in state and key in own]
    wrong = {key: state[key] for key in tables if state[key].shape[1:] != own[key].shape[1:]}
    check_state(Weights(weights.path, wrong), {key: own[key] for key in wrong}, mend=_MEND)
    for key in tables:
        if key != _IMAGE_POSITIONS and len(state[key]) > len(own[key]):
            _refuse_longer(weights, key, len(state[key]), len(own[key]), cast(int, model.context_length))
    try:
        resize_pos_embed(state, model)
        resize_text_pos_embed(state, model)
    except (RuntimeError, AttributeError, AssertionError) as error:
        raise WeightsError(
            f"{weights.path}: its position embeddings fit no grid of this model ({error})"
        ) from error
    said = []
    for key in tables:
        old, new = len(weights.state[key]), len(state[key])
        if key == _IMAGE_POSITIONS and old != new:
            height, width = cast(tuple[int, int], cast(nn.Module, model.visual).grid_size)
            side = isqrt(old - 1)
            said.append(f"{key} interpolated from {side}x{side} to {height}x{width} positions")
        elif old != new:
            said.append(
                f"{key} interpolated from {old} to {new} positions (the file's context_length is {old})"
            )
    return weights.having(state, *said)


def _refuse_longer(weights: Weights, key: str, found: int, read: int, context: int) -> None:
    raise WeightsError(
        f"{weights.path}: {key} has {found} positions, this architecture reads {read}, and interpolating "
        "would move what was learned; take an architecture of that length, or an open_clip_config.json "
        f"beside the weights with text_cfg.context_length: {found - read + context}, as local-dir:FOLDER"
    )
