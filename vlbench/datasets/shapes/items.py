"""Items of two captions that differ in a word or in word order, with scenes that tell them apart.

Scenes have two things of different colours and shapes. Captions are claims, as in captions.py; each of the
two is true of a scene that the other one is not true of.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import count as numbers

from vlbench.datasets.shapes.captions import AXES, apart, counted, enumerated
from vlbench.datasets.shapes.claims import (
    Axis,
    Caption,
    Mention,
    Presence,
    Relation,
    plain_mention,
    sized_mention,
)
from vlbench.datasets.shapes.world import (
    COLOUR_NAMES,
    COMBINATIONS,
    IMAGE_SIZE,
    SEEN,
    SHAPES,
    SIZES,
    UNIT,
    Dice,
    Scene,
    Split,
    Thing,
    draw_scene,
)

_DRAW = 6
"""The part of a scene's key that seeds its item."""
_WORDS: dict[Axis, tuple[str, str]] = {"across": ("left of", "right of"), "down": ("above", "below")}


@dataclass(frozen=True, slots=True)
class SceneItem:
    """Two captions with the scenes that they are true of, one each, or one scene for the first caption only.

    `kind` is the difference of the captions, `index` the number of the first scene in its split and seed.
    """

    kind: str
    index: int
    captions: tuple[Caption, Caption]
    scenes: tuple[Scene, ...]


@lru_cache(maxsize=8)
def draw_items(count: int, split: Split, seed: int) -> tuple[SceneItem, ...]:
    """Draw `count` items from the scenes of a split, the kinds in turn."""
    found: list[SceneItem] = []
    for index in numbers():
        if len(found) == count:
            break
        scene = draw_scene(population="several", split=split, seed=seed, index=index)
        if _suits(scene, COMBINATIONS if split == "test" else SEEN):
            kind = tuple(_KINDS)[len(found) % len(_KINDS)]
            captions, *others = _KINDS[kind](scene)
            found.append(SceneItem(kind, index, captions, (scene, *others)))
    return tuple(found)


def _suits(scene: Scene, allowed: Sequence[tuple[int, int]]) -> bool:
    """Whether a scene has two things apart that can swap places, and swap colours within the allowed
    pairs."""
    if len(scene.things) != 2:
        return False
    one, other = scene.things
    inside = IMAGE_SIZE * UNIT - UNIT
    return (
        one.colour != other.colour
        and one.shape != other.shape
        and {(one.colour, other.shape), (other.colour, one.shape)} <= set(allowed)
        and any(apart(scene.things, axis) for axis in AXES)
        and all(
            thing.radius + UNIT <= place <= inside - thing.radius
            for thing, where in ((one, other), (other, one))
            for place in (where.x, where.y)
        )
    )


Captions = tuple[Caption, Caption]


def _swap_colours(scene: Scene) -> tuple[Captions, Scene]:
    one, other = scene.things
    swapped = (
        replace(one, colour=other.colour, rgb=other.rgb),
        replace(other, colour=one.colour, rgb=one.rgb),
    )
    captions = tuple(_list(*map(plain_mention, things)) for things in (scene.things, swapped))
    return (captions[0], captions[1]), replace(scene, things=swapped)


def _swap_places(scene: Scene, *, turned: bool = False) -> tuple[Captions, Scene]:
    """The same words in another order; with `turned`, the same order with the opposite word."""
    first, second, axis = _in_order(scene)
    there, back = _WORDS[axis]
    claim = Relation(second, first, axis)
    return (
        _relation(first, there, second, Relation(first, second, axis)),
        _relation(first, back, second, claim) if turned else _relation(second, there, first, claim),
    ), _exchanged(scene)


def _replace_colour(scene: Scene) -> tuple[Captions]:
    one, other = map(plain_mention, scene.things)
    colours = [each for each in range(len(COLOUR_NAMES)) if each not in (one.colour, other.colour)]
    return ((_list(one, other), _list(replace(one, colour=_dice(scene).choose(colours)), other)),)


def _replace_shape(scene: Scene) -> tuple[Captions]:
    one, other = map(plain_mention, scene.things)
    shapes = [each for each in range(len(SHAPES)) if each not in (one.shape, other.shape)]
    return ((_list(one, other), _list(replace(one, shape=_dice(scene).choose(shapes)), other)),)


def _replace_size(scene: Scene) -> tuple[Captions]:
    one, other = map(sized_mention, scene.things)
    sizes = [each for each in range(len(SIZES)) if each != one.size]
    return ((_list(one, other), _list(replace(one, size=_dice(scene).choose(sizes)), other)),)


_KINDS: dict[str, Callable[[Scene], tuple[Captions, Scene] | tuple[Captions]]] = {
    "colours swapped": _swap_colours,
    "places swapped": _swap_places,
    "relation turned": partial(_swap_places, turned=True),
    "colour replaced": _replace_colour,
    "shape replaced": _replace_shape,
    "size replaced": _replace_size,
}
"""The differences of two captions. In the first three kinds, each caption has a scene."""


def _dice(scene: Scene) -> Dice:
    return Dice(*scene.key, _DRAW)


def _in_order(scene: Scene) -> tuple[Mention, Mention, Axis]:
    """The two things of a scene; the first is clearly left of or above the second."""
    axis = _dice(scene).choose([axis for axis in AXES if apart(scene.things, axis)])
    ((first, second),) = apart(scene.things, axis)
    return plain_mention(first), plain_mention(second), axis


def _exchanged(scene: Scene) -> Scene:
    """The scene with its two things swapped."""
    one, other = scene.things
    things: tuple[Thing, ...] = (replace(one, x=other.x, y=other.y), replace(other, x=one.x, y=one.y))
    return replace(scene, things=things)


def _list(*mentions: Mention) -> Caption:
    presences = tuple(Presence(mention) for mention in mentions)
    return Caption(enumerated(presences), presences)


def _relation(one: Mention, word: str, other: Mention, claim: Relation) -> Caption:
    return Caption(f"{counted(one)} {word} {counted(other)}", (Presence(one), Presence(other)), (claim,))
