"""Image tokens of a Swin transformer: timm's network, under the names that RAM's authors give its weights."""

import re

import torch
from timm.models.swin_transformer import SwinTransformer, SwinTransformerBlock, get_relative_position_index
from torch import Tensor, nn

from vlbench.models.ram.settings import PATCH, TaggerSize

TABLE = "relative_position_bias_table"
"""The last part of the keys that are resampled where the window has another size."""

_DOWNSAMPLE = re.compile(r"^layers\.(\d+)\.downsample\.")


def build(size: TaggerSize) -> SwinTransformer:
    """A Swin transformer without memory for its parameters; what it computes of its sizes is there."""
    with torch.device("meta"):
        encoder = SwinTransformer(
            img_size=size.image_size,
            patch_size=PATCH,
            num_classes=0,
            embed_dim=size.embed_dim,
            depths=size.depths,
            num_heads=size.heads,
            window_size=size.window,
            drop_path_rate=0.0,
        )
    with torch.device("cpu"):
        for module in encoder.modules():
            if isinstance(module, SwinTransformerBlock):
                index = get_relative_position_index(*module.window_size)
                module.attn.register_buffer("relative_position_index", index, persistent=False)
                module.register_buffer("attn_mask", module.get_attn_mask(), persistent=False)
    return encoder


def timm_key(key: str) -> str:
    """The name that timm gives to a weight: it merges patches before a stage, the authors after one.

    >>> timm_key("layers.0.downsample.norm.weight")
    'layers.1.downsample.norm.weight'
    """
    return _DOWNSAMPLE.sub(lambda found: f"layers.{int(found[1]) + 1}.downsample.", key)


def tokens(encoder: nn.Module, pixels: Tensor) -> Tensor:
    """Tokens [b, 1 + t, c] of pixels [b, 3, h, w]: first the mean, then those that it is the mean of."""
    found = encoder.forward_features(pixels).flatten(1, 2)  # type: ignore[operator]  # [b, t, c]
    return torch.cat([found.mean(dim=1, keepdim=True), found], dim=1)
