"""Tables of relative positions of a Swin transformer, resampled for a window of another size."""

from math import isqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_LEAST, _MOST = 1.01, 1.5
"""Between these the growth of the source grid is sought."""
_PRECISION = 1e-6
_CUBIC = 3


def resampled(table: Tensor, rows: int) -> Tensor:
    """A table [s * s, heads] as [rows, heads], where rows is the square of an odd number.

    The source points lie closer together near the centre, in a geometric progression that spans the
    target grid; a cubic spline for each head is read at whole distances (recognize-anything,
    ram/models/utils.py and swin_transformer.py).
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
    """Whether a table of so many rows is the grid of a square window, with points enough for a cubic.

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
