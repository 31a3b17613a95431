"""Scenes of the shape world as pixels, in integer arithmetic: equal to the bit on every machine.

A pixel is covered by as many of its 4 x 4 sample points as lie in the shape, or on its outline.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from vlbench.sources.shape_world import IMAGE_SIZE, SHAPES, TURNS, UNIT, Dice, Scene, Style, Thing

Coordinates = NDArray[np.int64]
"""Along a thing's own axes; its radius is 1024."""
Mask = NDArray[np.bool_]

_SAMPLES = 4
_LINE = ((0, 4), (3, 3), (4, 0), (3, -3))
"""A line's width in four directions, in sample points: a pixel."""
_TILES = (16, 4)
_TILE_STEP = 24
"""Sides of the grey tiles of a busy ground, in pixels, and how far each is brighter or darker at most."""
_STAR = (
    (0, -1000),
    (265, -365),
    (951, -309),
    (428, 139),
    (588, 809),
    (0, 450),
    (-588, 809),
    (-428, 139),
    (-951, -309),
    (-265, -365),
)
_TRIANGLE = ((0, -980), (930, 740), (-930, 740))
_HEART = ((-900, -60), (-480, -350), (0, -400), (480, -350), (900, -60), (0, 960))


def render(scene: Scene, style: Style = "plain") -> NDArray[np.uint8]:
    """The image of a scene in a style, `[64, 64, 3]`, RGB."""
    ground, part = _STYLES[style]
    pixels = ground(scene)
    for thing in scene.things:
        _draw(thing, pixels, part)
    if scene.noise:
        octets = Dice(*scene.key, 1).octets(pixels.size).astype(np.int64).reshape(pixels.shape)
        pixels += (octets * (2 * scene.noise + 1) >> 8) - scene.noise
    return pixels.clip(0, 255).astype(np.uint8)


def _ground(scene: Scene) -> NDArray[np.int64]:
    steps = np.arange(IMAGE_SIZE, dtype=np.int64) * 2 - (IMAGE_SIZE - 1)
    across, down = scene.slope
    slope = (steps[None, :] * across + steps[:, None] * down) // IMAGE_SIZE
    return np.asarray(scene.ground, dtype=np.int64) + slope[:, :, None]


def _busy_ground(scene: Scene) -> NDArray[np.int64]:
    """The ground of a scene under grey tiles of two sizes."""
    pixels, dice = _ground(scene), Dice(*scene.key, 5)
    for tile in _TILES:
        side = IMAGE_SIZE // tile
        octets = dice.octets(side * side).astype(np.int64).reshape(side, side)
        steps = (octets * (2 * _TILE_STEP + 1) >> 8) - _TILE_STEP
        pixels += steps.repeat(tile, axis=0).repeat(tile, axis=1)[:, :, None]
    return pixels


def _draw(thing: Thing, pixels: NDArray[np.int64], drawn: Callable[[Mask], Mask]) -> None:
    """Blend the drawn part of a thing over the pixels."""
    reach = thing.radius * 5 // 4
    left, right = _pixel_range(thing.x, reach)
    top, bottom = _pixel_range(thing.y, reach)
    step = UNIT // _SAMPLES
    across = np.arange(left * UNIT + step // 2, right * UNIT, step, dtype=np.int64) - thing.x
    down = np.arange(top * UNIT + step // 2, bottom * UNIT, step, dtype=np.int64) - thing.y
    cosine, sine = TURNS[thing.turn]
    u = (cosine * across[None, :] + sine * down[:, None]) // thing.radius
    v = (cosine * down[:, None] - sine * across[None, :]) // thing.radius
    inside = drawn(_INSIDE[SHAPES[thing.shape]](u, v))
    covered = inside.reshape(bottom - top, _SAMPLES, right - left, _SAMPLES).sum(axis=(1, 3), dtype=np.int64)
    share, whole = covered[:, :, None], _SAMPLES * _SAMPLES
    part = pixels[top:bottom, left:right]
    part[:] = (part * (whole - share) + np.asarray(thing.rgb, dtype=np.int64) * share + whole // 2) // whole


def _pixel_range(centre: int, reach: int) -> tuple[int, int]:
    return max(0, (centre - reach) // UNIT), min(IMAGE_SIZE, (centre + reach) // UNIT + 1)


def _whole(inside: Mask) -> Mask:
    return inside


def _outline(inside: Mask) -> Mask:
    """Points of a shape that lie within a line's width of its edge; a shape ends before its mask does."""
    margin = _LINE[0][1]
    padded = np.pad(inside, margin)
    height, width = inside.shape
    within = inside.copy()
    for down, across in _LINE:
        for sign in (1, -1):
            top, left = margin + sign * down, margin + sign * across
            within &= padded[top : top + height, left : left + width]
    return inside & ~within


def _inside_polygon(u: Coordinates, v: Coordinates, corners: Sequence[tuple[int, int]]) -> Mask:
    """Points with an odd number of edges to their right."""
    inside = np.zeros(np.broadcast(u, v).shape, dtype=np.bool_)
    for (x1, y1), (x2, y2) in zip(corners, (*corners[1:], corners[0]), strict=True):
        crosses = (y1 > v) != (y2 > v)
        side = (u - x1) * (y2 - y1) - (x2 - x1) * (v - y1)
        inside ^= crosses & ((side < 0) == (y2 > y1))
    return inside


def _circle(u: Coordinates, v: Coordinates) -> Mask:
    return np.asarray(u * u + v * v <= 960 * 960)


def _square(u: Coordinates, v: Coordinates) -> Mask:
    return np.maximum(abs(u), abs(v)) <= 830


def _triangle(u: Coordinates, v: Coordinates) -> Mask:
    return _inside_polygon(u, v, _TRIANGLE)


def _diamond(u: Coordinates, v: Coordinates) -> Mask:
    return np.asarray(3 * abs(u) + 2 * abs(v) <= 2040)


def _cross(u: Coordinates, v: Coordinates) -> Mask:
    return (np.minimum(abs(u), abs(v)) <= 290) & (np.maximum(abs(u), abs(v)) <= 960)


def _star(u: Coordinates, v: Coordinates) -> Mask:
    return _inside_polygon(u, v, _STAR)


def _ring(u: Coordinates, v: Coordinates) -> Mask:
    square = u * u + v * v
    return (square <= 980 * 980) & (square >= 560 * 560)


def _heart(u: Coordinates, v: Coordinates) -> Mask:
    lobes = (abs(u) - 470) ** 2 + (v + 340) ** 2 <= 500 * 500
    return lobes | _inside_polygon(u, v, _HEART)


_INSIDE: dict[str, Callable[[Coordinates, Coordinates], Mask]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "diamond": _diamond,
    "cross": _cross,
    "star": _star,
    "ring": _ring,
    "heart": _heart,
}

_STYLES: dict[Style, tuple[Callable[[Scene], NDArray[np.int64]], Callable[[Mask], Mask]]] = {
    "plain": (_ground, _whole),
    "outline": (_busy_ground, _outline),
}
