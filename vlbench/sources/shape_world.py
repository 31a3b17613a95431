"""A small world of coloured shapes: what lies on an image, drawn from integers alone.

Every draw comes from the raw 64-bit stream of PCG64 seeded by integers, which numpy keeps stable across
versions and machines; nothing here is a float.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")

Split = Literal["train", "test"]
Population = Literal["single", "several"]
"""`single` scenes hold one thing, `several` hold two to four."""
Style = Literal["plain", "outline"]
"""How a scene is drawn: filled shapes on a smooth ground, or thin outlines on a busy one."""

WORLD_VERSION = 1
"""Goes up with every change to a scene, a pixel or a caption."""

IMAGE_SIZE = 64
UNIT = 8
"""Positions and radii are counted in eighths of a pixel."""

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
RADII = ((44, 52), (64, 74), (88, 104))
"""Lowest and highest radius of each size, in eighths of a pixel."""

COLOUR_NAMES = tuple(COLOURS)
COMBINATIONS = tuple((colour, shape) for colour in range(len(COLOURS)) for shape in range(len(SHAPES)))
HELD_OUT = tuple(pair for pair in COMBINATIONS if (pair[0] + 3 * pair[1]) % 8 in (0, 3))
"""Colour and shape pairs that no training image shows: two for each colour, two for each shape."""
SEEN = tuple(pair for pair in COMBINATIONS if pair not in HELD_OUT)

SHADES = ("dark", "grey", "light")
LEVELS = ((12, 70), (95, 150), (185, 240))
"""Lowest and highest brightness of the ground of each shade."""

TURNS = ((1024, 0), (1015, 136), (1015, -136), (990, 261), (990, -261))
"""Cosine and sine of the angles a thing is turned by (0, 8 and 15 degrees), times 1024."""

_GAP = 2 * UNIT
_TRIES = 60
_SPLITS: dict[Split, int] = {"train": 0, "test": 1}
_POPULATIONS: dict[Population, int] = {"single": 0, "several": 1}


class Dice:
    """Draws from the raw stream of a key of integers."""

    def __init__(self, *key: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence([WORLD_VERSION, *key]))

    def below(self, limit: int) -> int:
        """An integer from 0 to limit - 1."""
        return int(self._bits.random_raw()) % limit

    def between(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return low + self.below(high - low + 1)

    def choose(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.below(len(items))]

    def some(self, items: Sequence[T], count: int) -> list[T]:
        """So many of the items, each once, in a drawn order."""
        rest = list(items)
        return [rest.pop(self.below(len(rest))) for _ in range(count)]

    def octets(self, count: int) -> NDArray[np.uint8]:
        """Bytes `[count]`; count is a multiple of eight."""
        raw: NDArray[np.uint64] = self._bits.random_raw(count // 8)
        return raw.astype("<u8").view(np.uint8)


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
    """What an image shows: things on a sloping, noisy ground of a shade. `key` draws the noise."""

    things: tuple[Thing, ...]
    shade: int
    ground: tuple[int, int, int]
    slope: tuple[int, int]
    noise: int
    key: tuple[int, ...]


def draw_scene(*, population: Population, split: Split, seed: int, index: int) -> Scene:
    """The scene of an index; it depends on nothing but the arguments.

    Training scenes show SEEN pairs; test scenes of one thing show the HELD_OUT pairs in turn, and
    those of several show any pairs, each once.
    """
    key = (_POPULATIONS[population], _SPLITS[split], seed, index)
    dice = Dice(*key)
    if population == "single":
        pairs = [HELD_OUT[index % len(HELD_OUT)]] if split == "test" else [dice.choose(SEEN)]
    else:
        allowed = COMBINATIONS if split == "test" else SEEN
        pairs = dice.some(allowed, dice.between(2, 4))
    shade = dice.below(len(SHADES))
    level = dice.between(*LEVELS[shade])
    red, green, blue = (level + dice.between(-12, 12) for _ in range(3))
    return Scene(
        things=_lay_out(pairs, dice),
        shade=shade,
        ground=(red, green, blue),
        slope=(dice.between(-16, 16), dice.between(-16, 16)),
        noise=dice.between(0, 14),
        key=key,
    )


def paint(colour: int, dice: Dice) -> tuple[int, int, int]:
    """A shade of a named colour, at most 14 steps of each channel away from it."""
    red, green, blue = (
        min(255, max(0, channel + dice.between(-14, 14))) for channel in COLOURS[COLOUR_NAMES[colour]]
    )
    return (red, green, blue)


def _lay_out(pairs: Sequence[tuple[int, int]], dice: Dice) -> tuple[Thing, ...]:
    """Things that neither touch nor leave the image; sizes are drawn anew when they do not fit."""
    while True:
        things: list[Thing] = []
        for colour, shape in pairs:
            size = dice.below(len(SIZES))
            radius = dice.between(*RADII[size])
            place = _free_place(things, radius, dice)
            if place is None:
                break
            things.append(
                Thing(
                    colour=colour,
                    shape=shape,
                    size=size,
                    x=place[0],
                    y=place[1],
                    radius=radius,
                    turn=dice.below(len(TURNS)),
                    rgb=paint(colour, dice),
                )
            )
        if len(things) == len(pairs):
            return tuple(things)


def _free_place(things: Sequence[Thing], radius: int, dice: Dice) -> tuple[int, int] | None:
    low, high = radius + UNIT, IMAGE_SIZE * UNIT - radius - UNIT
    for _ in range(_TRIES):
        x, y = dice.between(low, high), dice.between(low, high)
        if all(
            (x - other.x) ** 2 + (y - other.y) ** 2 >= (radius + other.radius + _GAP) ** 2 for other in things
        ):
            return x, y
    return None
