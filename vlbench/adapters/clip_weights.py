"""Weights of a file brought into an open_clip model: what is renamed, resampled or not read is said."""

from collections.abc import Sequence
from fnmatch import fnmatch
from math import isqrt
from typing import cast

import torch
from torch import nn

from vlbench.adapters.checkpoint_layout import StateDict, Weights, listed, within
from vlbench.adapters.foreign_keys import advice
from vlbench.adapters.weight_values import check_values, in_float32
from vlbench.core.errors import WeightsError

_ANCHORS = ("logit_scale",)
"""A tensor that every CLIP has, by which one is found among others."""

_IMAGE_POSITIONS = "visual.positional_embedding"
_TEXT_POSITIONS = ("positional_embedding", "text.positional_embedding")
"""Keys whose rows open_clip resamples when the image or context has another size."""

_IGNORED = ("*.position_ids", "*attn_mask", "input_resolution", "context_length", "vocab_size")
"""Buffers that hold no weight: of old transformers and of archives."""

_NOT_NEEDED = "*.num_batches_tracked"
_APPLE = ("image_encoder.model.", "text_encoder.", "logit_scale")
"""Where MobileCLIP's authors keep what open_clip's conversion reads; it passes over the rest."""

_APPLE_FIRST = (
    "image_encoder.model.patch_embed.0.rbr_conv.0.conv.weight",
    "image_encoder.model.patch_emb.0.block.conv.weight",
)


def fill(model: nn.Module, weights: Weights, *, ignorable: Sequence[str] = ()) -> tuple[str, ...]:
    """Put weights into a model as float32, after open_clip's own conversions of older layouts.

    The answer says what was changed on the way.

    Raises:
        WeightsError: a key is missing, unexpected or of another shape, or its values are no weights.
    """
    path = weights.path
    weights = _conformed(model, in_float32(within(weights, _ANCHORS)))
    state, own = weights.state, model.state_dict()
    ignored = [key for key in state if any(fnmatch(key, pattern) for pattern in _IGNORED) and key not in own]
    left = [
        key
        for key in state
        if key not in own and key not in ignored and any(fnmatch(key, each) for each in ignorable)
    ]
    unexpected = [key for key in state if key not in own and key not in ignored and key not in left]
    missing = [key for key in own if key not in state and not fnmatch(key, _NOT_NEEDED)]
    if missing or unexpected:
        problems = [listed(f"lacks {len(missing)} keys", missing)] if missing else []
        problems += [listed(f"has {len(unexpected)} unexpected keys", unexpected)] if unexpected else []
        raise WeightsError(f"{path}: {' and '.join(problems)}; {advice(path, unexpected, own)}")
    check_shapes(weights, own)
    check_values(weights, [key for key, value in own.items() if value.is_floating_point()])
    kept = {key: value for key, value in state.items() if key in own}
    model.load_state_dict(kept, strict=False, assign=True)
    said = [listed(f"{len(ignored)} buffers without weights not read", ignored)] if ignored else []
    said += [listed(f"{len(left)} tensors not read, as the card says", left)] if left else []
    return (*weights.changes, *said)


def check_shapes(weights: Weights, own: StateDict) -> None:
    """Raise WeightsError unless the tensors that a model has are of its shapes."""
    wrong = [
        f"{key} {tuple(value.shape)} instead of {tuple(own[key].shape)}"
        for key, value in weights.state.items()
        if key in own and value.shape != own[key].shape
    ]
    if wrong:
        raise WeightsError(
            f"{weights.path}: {listed(f'{len(wrong)} tensors of another shape', wrong)}; name the "
            "architecture that these "
            "weights belong to"
        )


def _conformed(model: nn.Module, weights: Weights) -> Weights:
    """The weights in the layout of the model: open_clip/factory.py, load_checkpoint."""
    weights = _text_tower_moved(model, _of_apple(model, weights))
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
    """Weights under open_clip's names where they have those of MobileCLIP's authors."""
    from open_clip.convert import convert_state_dict

    if not any(key in weights.state for key in _APPLE_FIRST):
        return weights
    others = [key for key in weights.state if not key.startswith(_APPLE)]
    if others:
        raise WeightsError(
            f"{weights.path}: {listed(f'has {len(others)} unexpected keys', others)}; "
            f"{advice(weights.path, others, ())}"
        )
    state = convert_state_dict(model, dict(weights.state))
    return weights.having(
        state, f"{len(weights.state)} keys of MobileCLIP's authors made open_clip's {len(state)}"
    )


def _text_tower_moved(model: nn.Module, weights: Weights) -> Weights:
    """Weights whose text tower lies where the model has its own: at the top, or under `text.`.

    open_clip writes the second with --force-custom-text and for some architectures; the tensors are equal.
    """
    from open_clip.model import convert_to_custom_text_state_dict

    state = weights.state
    at_top = hasattr(model, "positional_embedding")
    if at_top and "text.positional_embedding" in state:
        moved = {key.removeprefix("text."): value for key, value in state.items()}
        what = "text tower read from under 'text.' (custom text)"
    elif not at_top and "positional_embedding" in state:
        moved = convert_to_custom_text_state_dict(state)
        what = "text tower at the top read as under 'text.' (custom text)"
    else:
        return weights
    if len(moved) != len(state):
        twice = [key for key in state if key.startswith("text.") and key.removeprefix("text.") in state]
        raise WeightsError(f"{weights.path}: {listed('holds two text towers', twice)}; save the one to score")
    count = len(moved.keys() - state.keys())
    return weights.having(moved, f"{what}: {count} keys") if count else weights


def _resampled(model: nn.Module, weights: Weights) -> Weights:
    """Weights whose tables of positions have the model's rows, interpolated as open_clip does it.

    Raises:
        WeightsError: there are more text positions than the model reads, or the image's fit no grid.
    """
    from open_clip.model import resize_pos_embed, resize_text_pos_embed

    state, own = dict(weights.state), model.state_dict()
    tables = [key for key in (_IMAGE_POSITIONS, *_TEXT_POSITIONS) if key in state and key in own]
    wrong = {key: state[key] for key in tables if state[key].shape[1:] != own[key].shape[1:]}
    check_shapes(Weights(weights.path, wrong), own)
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
        f"{weights.path}: {key} has {found} positions, this architecture reads {read}, and "
        "interpolating would move what "
        "was learned; take an architecture of that length, or an open_clip_config.json beside the "
        "weights with "
        f"text_cfg.context_length: {found - read + context}, as local-dir:FOLDER"
    )
