"""Drawn digits for training tiny-clip: pen strokes on a 32 x 32 bitmap, counted in 4 x 4 blocks.

The scans of the `digits` task were made that way (E. Alpaydin and C. Kaynak, "Optical Recognition of
Handwritten Digits", UCI repository, 1998: 32 x 32 bitmaps, on-pixels counted in 4 x 4 blocks); no scan
is read here.
"""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vlbench.datasets.layouts.digits import enlarge

FRAME = 32
WAYS: list[list[list[list[list[float]]]]] = list(
    json.loads(Path(__file__).with_name("digit_strokes.json").read_text(encoding="utf-8")).values()
)
"""Ways to write each digit: strokes through points on a unit square, y pointing down."""


def draw_digit(digit: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """A drawn digit as an image `[64, 64, 3]`, made as the scans are: counts 0-16 on 8 x 8, enlarged."""
    ways = WAYS[digit]
    strokes = ways[int(random.integers(len(ways)))]
    wobble = random.uniform(0.015, 0.07)
    moved = [np.asarray(stroke) + random.normal(0, wobble, (len(stroke), 2)) for stroke in strokes]
    for before, after in pairwise(moved):
        if random.random() < 0.8 and np.abs(before[-1] - after[0]).sum() < 0.35:
            after[0] = before[-1]
    paths = [_smooth(points) for points in moved]
    points = np.concatenate(paths)
    slant, turn = random.normal(0.08, 0.16), random.normal(0, 0.09)
    matrix = np.array([[np.cos(turn), -np.sin(turn) - slant], [np.sin(turn), np.cos(turn)]])
    points = (points - 0.5) @ matrix.T
    radius = random.uniform(1.4, 3.0)
    low, high = points.min(axis=0), points.max(axis=0)
    tall = FRAME - 2 * radius
    narrow = random.uniform(0.45, 0.85)
    breadth = min(tall * min(narrow * (high[0] - low[0]) / (high[1] - low[1]), 0.85), tall)
    scale = np.array([breadth / max(high[0] - low[0], 1e-6), tall / (high[1] - low[1])])
    points = (points - (low + high) / 2) * scale + FRAME / 2
    points[:, 0] += random.normal(0, 0.8)
    bounds = np.cumsum([len(path) for path in paths])[:-1]
    counts = _ink(np.split(points, bounds), radius)
    return enlarge(counts)


def _smooth(points: NDArray[np.float64], steps: int = 4) -> NDArray[np.float64]:
    """A Catmull-Rom curve through points `[p, 2]`."""
    padded = np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        parts.append(
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        )
    return np.concatenate([*parts, points[-1:]])


def _ink(paths: list[NDArray[np.float64]], radius: float) -> NDArray[np.uint8]:
    """How many of each block's 16 pixels the pen touched, `[8, 8]`."""
    starts = np.concatenate([path[:-1] for path in paths])
    ends = np.concatenate([path[1:] for path in paths])
    axis = np.arange(FRAME) + 0.5
    pixels = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 1, 2)  # [1024, 1, 2]
    along = ends - starts
    length = np.maximum((along**2).sum(axis=1), 1e-9)
    share = np.clip(((pixels - starts) * along).sum(axis=2) / length, 0, 1)  # [1024, segments]
    distance = ((pixels - starts - share[:, :, None] * along) ** 2).sum(axis=2).min(axis=1)
    touched = (distance <= radius**2).reshape(8, 4, 8, 4)
    counts: NDArray[np.uint8] = touched.sum(axis=(1, 3)).astype(np.uint8)
    return counts
