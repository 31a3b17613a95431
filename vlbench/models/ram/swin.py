"""Image tokens of a Swin transformer: timm's network, filled from RAM's names of the weights."""

import re
from math import isqrt

import numpy as np
import torch
from numpy.typing import NDArray
from timm.models.swin_transformer import SwinTransformer, SwinTransformerBlock, get_relative_position_index
from torch import Tensor, nn

from vlbench.models.ram.sizes import PATCH, TaggerSize

TABLE = "relative_position_bias_table"
"""The last part of the keys that are resampled if the window has another size."""

_LEAST, _MOST = 1.01, 1.5
"""The range in which the growth factor of a table's source grid is searched."""
_PRECISION = 1e-6
_CUBIC = 3

_DOWNSAMPLE = re.compile(r"^layers\.(\d{1,9})\.downsample\.")


def build(size: TaggerSize) -> SwinTransformer:
    """A Swin transformer without memory for its parameters, but with buffers that follow from its sizes."""
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
    """The name of a weight in timm, which merges patches before a stage, the authors after one.

    >>> timm_key("layers.0.downsample.norm.weight")
    'layers.1.downsample.norm.weight'
    """
    return _DOWNSAMPLE.sub(lambda found: f"layers.{int(found[1]) + 1}.downsample.", key)


def tokens(encoder: nn.Module, pixels: Tensor) -> Tensor:
    """Tokens [b, 1 + t, c] of pixels [b, 3, h, w]: first their mean, then the tokens."""
    found = encoder.forward_features(pixels).flatten(1, 2)  # type: ignore[operator]  # [b, t, c]
    return torch.cat([found.mean(dim=1, keepdim=True), found], dim=1)


def resampled(table: Tensor, rows: int) -> Tensor:
    """Resample a table [s * s, heads] to [rows, heads], where rows is the square of an odd number.

    The source points are denser near the centre, in a geometric progression that spans the target grid. A
    cubic spline for each head is evaluated at integer distances (recognize-anything, ram/models/utils.py and
    swin_transformer.py).
    """
    source, target = isqrt(len(table)), isqrt(rows)
    if source == target:
        return table
    from scipy.interpolate import RectBivariateSpline

    known = _geometric_grid(source // 2, target // 2)
    wanted = np.arange(target) - target // 2  # [t]
    heads = [
        RectBivariateSpline(known, known, head, kx=_CUBIC, ky=_CUBIC)(wanted, wanted)
        for head in table.double().T.reshape(-1, source, source).numpy()
    ]
    found = torch.from_numpy(np.stack(heads, axis=-1))  # [t, t, heads]
    return found.reshape(rows, -1).to(table.dtype)


def is_square_grid(rows: int) -> bool:
    """Whether a table with this many rows is the grid of a square window, with enough points for a cubic.

    >>> [is_square_grid(rows) for rows in (169, 25, 9, 144, 170)]
    [True, True, False, False, False]
    """
    side = isqrt(rows)
    return side * side == rows and side % 2 == 1 and side > _CUBIC


def _geometric_grid(steps: int, span: int) -> NDArray[np.float64]:
    """Points 0, ±1, ±(1 + q), ... [2 * steps + 1] whose last is about `span`."""
    low, high = _LEAST, _MOST
    growth = (low + high) / 2
    while high - low > _PRECISION:
        growth = (low + high) / 2
        if (1 - growth**steps) / (1 - growth) > span:
            high = growth
        else:
            low = growth
    right = np.cumsum(growth ** np.arange(steps))  # [steps]
    return np.concatenate([-right[::-1], [0.0], right])
