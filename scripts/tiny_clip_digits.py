"""Drawn digits for training tiny-clip: pen strokes on a 32 x 32 bitmap, counted in 4 x 4 blocks.

The scans of the `digits` task were made that way (E. Alpaydin and C. Kaynak, "Optical Recognition of
Handwritten Digits", UCI repository, 1998: 32 x 32 bitmaps, on-pixels counted in 4 x 4 blocks); no scan
is read here.
"""

import numpy as np
from numpy.typing import NDArray

from vlbench.sources.digits import enlarge

FRAME = 32
Stroke = tuple[tuple[float, float], ...]

CURVED: dict[int, tuple[tuple[Stroke, ...], ...]] = {
    0: (
        (
            (
                (0.5, 0.0),
                (0.12, 0.2),
                (0.05, 0.55),
                (0.3, 0.97),
                (0.72, 0.95),
                (0.95, 0.5),
                (0.8, 0.1),
                (0.5, 0.0),
            ),
        ),
        (((0.6, 0.0), (0.15, 0.3), (0.1, 0.75), (0.45, 1.0), (0.85, 0.75), (0.9, 0.25), (0.6, 0.0)),),
    ),
    1: (
        (((0.5, 0.0), (0.5, 0.5), (0.5, 1.0)),),
        (((0.3, 0.25), (0.45, 0.12), (0.58, 0.0)), ((0.58, 0.0), (0.57, 0.5), (0.56, 1.0))),
        (
            ((0.2, 0.3), (0.4, 0.15), (0.55, 0.0)),
            ((0.55, 0.0), (0.54, 0.5), (0.53, 1.0)),
            ((0.2, 1.0), (0.5, 1.0), (0.85, 1.0)),
        ),
    ),
    2: (
        (
            ((0.1, 0.25), (0.3, 0.02), (0.7, 0.02), (0.85, 0.28), (0.6, 0.62), (0.08, 0.98)),
            ((0.08, 0.98), (0.5, 0.96), (0.95, 0.98)),
        ),
        (
            ((0.15, 0.2), (0.45, 0.0), (0.8, 0.15), (0.7, 0.5), (0.3, 0.85), (0.1, 0.95), (0.12, 0.8)),
            ((0.12, 0.8), (0.4, 0.85), (0.65, 1.0), (0.95, 0.9)),
        ),
    ),
    3: (
        (
            ((0.1, 0.12), (0.5, 0.0), (0.85, 0.2), (0.65, 0.42), (0.35, 0.47)),
            ((0.35, 0.47), (0.75, 0.52), (0.9, 0.75), (0.55, 1.0), (0.08, 0.9)),
        ),
        (
            ((0.1, 0.0), (0.5, 0.02), (0.88, 0.0)),
            ((0.88, 0.0), (0.65, 0.22), (0.42, 0.42)),
            ((0.42, 0.42), (0.8, 0.48), (0.9, 0.75), (0.5, 1.0), (0.08, 0.92)),
        ),
    ),
    4: (
        (
            ((0.3, 0.0), (0.2, 0.3), (0.05, 0.6)),
            ((0.05, 0.6), (0.5, 0.6), (0.95, 0.57)),
            ((0.72, 0.3), (0.68, 0.65), (0.62, 1.0)),
        ),
        (
            ((0.62, 0.0), (0.35, 0.3), (0.05, 0.65)),
            ((0.05, 0.65), (0.5, 0.66), (0.95, 0.65)),
            ((0.65, 0.35), (0.64, 0.7), (0.62, 1.0)),
        ),
        (
            ((0.7, 0.0), (0.4, 0.3), (0.05, 0.66)),
            ((0.05, 0.66), (0.5, 0.67), (0.95, 0.66)),
            ((0.7, 0.0), (0.69, 0.5), (0.68, 1.0)),
        ),
        (
            ((0.2, 0.0), (0.1, 0.25), (0.15, 0.48), (0.5, 0.52), (0.85, 0.45)),
            ((0.88, 0.05), (0.8, 0.5), (0.7, 1.0)),
        ),
    ),
    5: (
        (
            ((0.85, 0.02), (0.5, 0.02), (0.2, 0.02)),
            ((0.2, 0.02), (0.18, 0.2), (0.15, 0.42)),
            ((0.15, 0.42), (0.5, 0.35), (0.88, 0.62), (0.6, 0.98), (0.08, 0.93)),
        ),
        (
            ((0.95, 0.0), (0.6, 0.03), (0.3, 0.02)),
            ((0.3, 0.02), (0.22, 0.25), (0.2, 0.45)),
            ((0.2, 0.45), (0.6, 0.42), (0.75, 0.7), (0.5, 1.0), (0.1, 1.0)),
        ),
    ),
    6: (
        (
            (
                (0.72, 0.0),
                (0.35, 0.25),
                (0.12, 0.62),
                (0.28, 0.96),
                (0.7, 0.98),
                (0.88, 0.72),
                (0.6, 0.52),
                (0.18, 0.66),
            ),
        ),
        (
            (
                (0.45, 0.0),
                (0.2, 0.35),
                (0.15, 0.75),
                (0.45, 1.0),
                (0.82, 0.85),
                (0.75, 0.6),
                (0.45, 0.55),
                (0.17, 0.75),
            ),
        ),
    ),
    7: (
        (((0.08, 0.03), (0.5, 0.03), (0.92, 0.02)), ((0.92, 0.02), (0.65, 0.45), (0.42, 1.0))),
        (
            ((0.08, 0.05), (0.5, 0.03), (0.9, 0.02)),
            ((0.9, 0.02), (0.65, 0.45), (0.48, 1.0)),
            ((0.3, 0.5), (0.6, 0.48), (0.92, 0.46)),
        ),
        (
            ((0.1, 0.2), (0.15, 0.05), (0.5, 0.05), (0.88, 0.02)),
            ((0.88, 0.02), (0.7, 0.5), (0.55, 1.0)),
            ((0.35, 0.55), (0.65, 0.52), (0.95, 0.5)),
        ),
    ),
    8: (
        (
            (
                (0.5, 0.47),
                (0.15, 0.25),
                (0.5, 0.0),
                (0.85, 0.22),
                (0.5, 0.47),
                (0.12, 0.76),
                (0.5, 1.0),
                (0.88, 0.76),
                (0.5, 0.47),
            ),
        ),
        (
            (
                (0.8, 0.12),
                (0.45, 0.0),
                (0.2, 0.22),
                (0.5, 0.47),
                (0.82, 0.75),
                (0.5, 1.0),
                (0.2, 0.78),
                (0.5, 0.47),
                (0.82, 0.12),
            ),
        ),
    ),
    9: (
        (
            ((0.85, 0.22), (0.5, 0.0), (0.14, 0.26), (0.45, 0.5), (0.84, 0.25)),
            ((0.84, 0.25), (0.82, 0.6), (0.62, 1.0)),
        ),
        (
            ((0.82, 0.2), (0.45, 0.02), (0.15, 0.3), (0.5, 0.5), (0.83, 0.25)),
            ((0.83, 0.25), (0.85, 0.65), (0.6, 0.97), (0.15, 0.93)),
        ),
    ),
}
"""Ways to write each digit: strokes through points on a unit square, y pointing down."""


def draw_digit(digit: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """A drawn digit as an image `[64, 64, 3]`, made as the scans are: counts 0-16 on 8 x 8, enlarged."""
    ways = CURVED[digit]
    strokes = ways[int(random.integers(len(ways)))]
    wobble = random.uniform(0.015, 0.07)
    moved = [np.asarray(stroke) + random.normal(0, wobble, (len(stroke), 2)) for stroke in strokes]
    for before, after in zip(moved, moved[1:], strict=False):
        if random.random() < 0.8 and np.abs(before[-1] - after[0]).sum() < 0.35:
            after[0] = before[-1]
    paths = [_smooth(points) for points in moved]
    points = np.concatenate(paths)
    slant, turn = random.normal(0.08, 0.16), random.normal(0, 0.09)
    matrix = np.array([[np.cos(turn), -np.sin(turn) - slant], [np.sin(turn), np.cos(turn)]])
    points = (points - 0.5) @ matrix.T
    radius = random.uniform(1.1, 2.3)
    low, high = points.min(axis=0), points.max(axis=0)
    tall = FRAME - 2 * radius
    narrow = random.uniform(0.5, 0.95)
    breadth = min(tall * min(narrow * (high[0] - low[0]) / (high[1] - low[1]), 0.85), tall)
    scale = np.array([breadth / max(high[0] - low[0], 1e-6), tall / (high[1] - low[1])])
    points = (points - (low + high) / 2) * scale + FRAME / 2
    points[:, 0] += random.normal(0, 0.8)
    bounds = np.cumsum([len(path) for path in paths])[:-1]
    counts = _ink(np.split(points, bounds), radius)
    return enlarge(counts)


def _smooth(points: NDArray[np.float64], steps: int = 5) -> NDArray[np.float64]:
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
    return touched.sum(axis=(1, 3)).astype(np.uint8)
