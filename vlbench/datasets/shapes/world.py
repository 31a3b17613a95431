"""A small world of coloured shapes: what an image shows, and its pixels, equal to the bit on every machine.

Every draw comes from the raw 64-bit stream of PCG64 seeded by integers, which numpy keeps stable across
versions and machines. Nothing here is a float.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Mask = NDArray[np.bool_]

Split = Literal["train", "test", "pool"]
Population = Literal["single", "several"]
"""`single` scenes have one thing, `several` have two to four."""
Style = Literal["plain", "outline"]
"""How a scene is rendered: filled shapes on a smooth ground, or thin outlines on a busy one."""

WORLD_VERSION = 1
"""The version; it rises with every change to a scene, a pixel or a caption."""

IMAGE_SIZE = 64
UNIT = 8
"""Positions and radii are in eighths of a pixel."""

COLOURS = {
    "red": (215, 40, 40),
    "orange": (240, 140, 20),
    "yellow": (235, 225, 50),
    "green": (45, 165, 60),
    "cyan": (50, 205, 215),
    "blue": (40, 70, 210),
    "purple": (130, 50, 165),
    "pink": (245, 140, 195),
}
SHAPES = ("circle", "square", "triangle", "diamond", "cross", "star", "ring", "heart")
SIZES = ("small", "medium", "large")
RADII = (range(44, 53), range(64, 75), range(88, 105))
"""The radii for each size, in eighths of a pixel."""

COLOUR_NAMES = tuple(COLOURS)
COMBINATIONS = tuple((colour, shape) for colour in range(len(COLOURS)) for shape in range(len(SHAPES)))
HELD_OUT = tuple(pair for pair in COMBINATIONS if (pair[0] + 3 * pair[1]) % 8 in (0, 3))
"""Pairs of colour and shape that no training image shows: two for each colour, two for each shape."""
SEEN = tuple(pair for pair in COMBINATIONS if pair not in HELD_OUT)

SHADES = ("dark", "grey", "light")
LEVELS = (range(12, 71), range(95, 151), range(185, 241))
"""The brightness of the ground for each shade."""

TURNS = ((1024, 0), (1015, 136), (1015, -136), (990, 261), (990, -261))
"""Cosine and sine of the angles by which a thing is turned (0, 8 and 15 degrees), times 1024."""

_GAP = 2 * UNIT
_TRIES = 60
_SPLITS: dict[Split, int] = {"train": 0, "test": 1, "pool": 2}
_POPULATIONS: dict[Population, int] = {"single": 0, "several": 1}

_SAMPLES = 4
_LINE = ((0, 4), (3, 3), (4, 0), (3, -3))
"""The width of a line in four directions, in sample points: one pixel."""
_TILES = (16, 4)
_TILE_STEP = 24
"""The side of the grey tiles of a busy ground in pixels, and the largest difference of their brightness."""
_CORNERS = {
    "triangle": ((0, -980), (930, 740), (-930, 740)),
    "star": (
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
    ),
    "heart": ((-900, -60), (-480, -350), (0, -400), (480, -350), (900, -60), (0, 960)),
}
"""The corners of shapes with straight edges; a heart also has two round lobes."""


class Dice:
    """Random draws from the raw stream of a key of integers."""

    def __init__(self, *key: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence([WORLD_VERSION, *key]))

    def choose(self, items: Sequence[T]) -> T:
        """One of the items: `choose(range(3))` is 0, 1 or 2."""
        return items[int(self._bits.random_raw()) % len(items)]

    def some(self, items: Sequence[T], count: int) -> list[T]:
        """`count` of the items, each at most once, in random order."""
        rest = list(items)
        return [rest.pop(self.choose(range(len(rest)))) for _ in range(count)]

    def steps(self, most: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Integers from -most to most in an array of this shape, whose size is a multiple of eight."""
        raw: NDArray[np.uint64] = self._bits.random_raw(math.prod(shape) // 8)
        octets = raw.astype("<u8").view(np.uint8).astype(np.int64).reshape(shape)
        return (octets * (2 * most + 1) >> 8) - most


@dataclass(frozen=True, slots=True)
class Thing:
    """A coloured shape; `x`, `y` and `radius` are in eighths of a pixel, `turn` indexes TURNS."""

    colour: int
    shape: int
    size: int
    x: int
    y: int
    radius: int
    turn: int
    rgb: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Scene:
    """What an image shows: things on a noisy ground with a gradient. `key` seeds the noise."""

    things: tuple[Thing, ...]
    shade: int
    ground: tuple[int, int, int]
    slope: tuple[int, int]
    noise: int
    key: tuple[int, ...]


@lru_cache(maxsize=2**16)
def draw_scene(*, population: Population, split: Split, seed: int, index: int) -> Scene:
    """The scene at an index; it depends only on the arguments.

    Training scenes show SEEN pairs. Test scenes with one thing show the HELD_OUT pairs in turn; those with
    several things show any pairs, each once. Scenes of the pool show any pairs.
    """
    key = (_POPULATIONS[population], _SPLITS[split], seed, index)
    dice = Dice(*key)
    allowed = SEEN if split == "train" else COMBINATIONS
    if population == "several":
        pairs = dice.some(allowed, dice.choose(range(2, 5)))
    else:
        pairs = [HELD_OUT[index % len(HELD_OUT)]] if split == "test" else [dice.choose(allowed)]
    shade = dice.choose(range(len(SHADES)))
    level = dice.choose(LEVELS[shade])
    red, green, blue = (level + dice.choose(range(-12, 13)) for _ in range(3))
    return Scene(
        things=_lay_out(pairs, dice),
        shade=shade,
        ground=(red, green, blue),
        slope=(dice.choose(range(-16, 17)), dice.choose(range(-16, 17))),
        noise=dice.choose(range(15)),
        key=key,
    )


def paint(colour: int, dice: Dice) -> tuple[int, int, int]:
    """A shade of a named colour, at most 14 steps away from it in each channel."""
    red, green, blue = (
        min(255, max(0, channel + dice.choose(range(-14, 15)))) for channel in COLOURS[COLOUR_NAMES[colour]]
    )
    return (red, green, blue)


def _lay_out(pairs: Sequence[tuple[int, int]], dice: Dice) -> tuple[Thing, ...]:
    """Things that neither touch nor leave the image; sizes are drawn again when they do not fit."""
    while True:
        things: list[Thing] = []
        for colour, shape in pairs:
            size = dice.choose(range(len(SIZES)))
            radius = dice.choose(RADII[size])
            inside = range(radius + UNIT, IMAGE_SIZE * UNIT - radius - UNIT + 1)
            for _ in range(_TRIES):
                x, y = dice.choose(inside), dice.choose(inside)
                if all(
                    (x - other.x) ** 2 + (y - other.y) ** 2 >= (radius + other.radius + _GAP) ** 2
                    for other in things
                ):
                    break
            else:
                break
            turn = dice.choose(range(len(TURNS)))
            things.append(Thing(colour, shape, size, x, y, radius, turn, rgb=paint(colour, dice)))
        if len(things) == len(pairs):
            return tuple(things)


def render(scene: Scene, style: Style = "plain") -> NDArray[np.uint8]:
    """The image of a scene in a style, `[64, 64, 3]`, RGB.

    The coverage of a pixel is the number of its 4 x 4 sample points in the shape, or on its outline.
    """
    along = np.arange(IMAGE_SIZE, dtype=np.int64) * 2 - (IMAGE_SIZE - 1)
    across, down = scene.slope
    slope = (along[None, :] * across + along[:, None] * down) // IMAGE_SIZE
    pixels = np.asarray(scene.ground, dtype=np.int64) + slope[:, :, None]
    if style == "outline":
        dice = Dice(*scene.key, 5)
        for tile in _TILES:
            steps = dice.steps(_TILE_STEP, (IMAGE_SIZE // tile, IMAGE_SIZE // tile))
            pixels += steps.repeat(tile, axis=0).repeat(tile, axis=1)[:, :, None]
    for thing in scene.things:
        _draw(thing, pixels, style)
    if scene.noise:
        pixels += Dice(*scene.key, 1).steps(scene.noise, pixels.shape)
    return pixels.clip(0, 255).astype(np.uint8)


def _draw(thing: Thing, pixels: NDArray[np.int64], style: Style) -> None:
    """Blend a thing over the pixels."""
    reach = thing.radius * 5 // 4
    left, top = (max(0, (centre - reach) // UNIT) for centre in (thing.x, thing.y))
    right, bottom = (min(IMAGE_SIZE, (centre + reach) // UNIT + 1) for centre in (thing.x, thing.y))
    step = UNIT // _SAMPLES
    across = np.arange(left * UNIT + step // 2, right * UNIT, step, dtype=np.int64) - thing.x
    down = np.arange(top * UNIT + step // 2, bottom * UNIT, step, dtype=np.int64) - thing.y
    cosine, sine = TURNS[thing.turn]
    u = (cosine * across[None, :] + sine * down[:, None]) // thing.radius
    v = (cosine * down[:, None] - sine * across[None, :]) // thing.radius
    drawn = _inside(SHAPES[thing.shape], u, v)
    if style == "outline":
        drawn = _outline(drawn)
    covered = drawn.reshape(bottom - top, _SAMPLES, right - left, _SAMPLES).sum(axis=(1, 3), dtype=np.int64)
    share, whole = covered[:, :, None], _SAMPLES * _SAMPLES
    part = pixels[top:bottom, left:right]
    part[:] = (part * (whole - share) + np.asarray(thing.rgb, dtype=np.int64) * share + whole // 2) // whole


def _inside(shape: str, u: NDArray[np.int64], v: NDArray[np.int64]) -> Mask:
    """The points inside a shape, by coordinates along its own axes; its radius is 1024."""
    square, nearer, further = u * u + v * v, np.minimum(abs(u), abs(v)), np.maximum(abs(u), abs(v))
    match shape:
        case "circle":
            return np.asarray(square <= 960 * 960)
        case "square":
            return further <= 830
        case "diamond":
            return np.asarray(3 * abs(u) + 2 * abs(v) <= 2040)
        case "cross":
            return (nearer <= 290) & (further <= 960)
        case "ring":
            return (square <= 980 * 980) & (square >= 560 * 560)
    inside = np.zeros(square.shape, dtype=np.bool_)
    corners = _CORNERS[shape]
    for (x1, y1), (x2, y2) in zip(corners, (*corners[1:], corners[0]), strict=True):
        # inside is a point with an odd number of edges to its right
        side = (u - x1) * (y2 - y1) - (x2 - x1) * (v - y1)
        inside ^= ((y1 > v) != (y2 > v)) & ((side < 0) == (y2 > y1))
    return inside | ((abs(u) - 470) ** 2 + (v + 340) ** 2 <= 500 * 500) if shape == "heart" else inside


def _outline(inside: Mask) -> Mask:
    """The points of a shape within a line's width of its edge. The mask is larger than the shape."""
    margin = _LINE[0][1]
    padded = np.pad(inside, margin)
    height, width = inside.shape
    within = inside.copy()
    for down, across in _LINE:
        for sign in (1, -1):
            top, left = margin + sign * down, margin + sign * across
            within &= padded[top : top + height, left : left + width]
    return inside & ~within
