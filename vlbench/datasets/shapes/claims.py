"""What captions claim about scenes, as data next to their words, and which scenes a claim is true of.

A claim is read loosely ("left of" at any distance, "two" as two or more): a caption that somebody might call
true of a second scene counts as true of it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from vlbench.datasets.shapes.world import Scene, Thing

Axis = Literal["across", "down"]


@dataclass(frozen=True, slots=True)
class Mention:
    """A kind of thing as words name it; None for what the words leave open."""

    colour: int | None = None
    shape: int | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Presence:
    """The claim that there are `number` things of a kind."""

    mention: Mention
    number: int = 1


@dataclass(frozen=True, slots=True)
class Relation:
    """The claim that the first thing is left of (across) or above (down) the second."""

    first: Mention
    second: Mention
    axis: Axis


@dataclass(frozen=True, slots=True)
class Caption:
    """Words and what they claim; `total` is the number of things, `shade` that of the ground.

    None: no claim.
    """

    text: str
    presences: tuple[Presence, ...] = ()
    relations: tuple[Relation, ...] = ()
    total: int | None = None
    shade: int | None = None


class SceneSet:
    """Scenes, indexed by the things in them."""

    def __init__(self, scenes: Sequence[Scene]) -> None:
        self._scenes = tuple(scenes)
        self._with: dict[Presence | tuple[str, int], set[int]] = {}
        for position, scene in enumerate(scenes):
            counts = Counter(mention for thing in scene.things for mention in _mentions(thing))
            facts: list[Presence | tuple[str, int]] = [
                Presence(mention, number) for mention, most in counts.items() for number in range(1, most + 1)
            ]
            facts += [("total", len(scene.things)), ("shade", scene.shade)]
            for fact in facts:
                self._with.setdefault(fact, set()).add(position)

    def true_of(self, caption: Caption) -> list[int]:
        """Positions of the scenes that a caption, read loosely, is true of."""
        facts: list[Presence | tuple[str, int]] = list(caption.presences)
        facts += [("total", caption.total)] if caption.total is not None else []
        facts += [("shade", caption.shade)] if caption.shade is not None else []
        likely = sorted(set.intersection(*(self._with.get(fact, set()) for fact in facts)))
        if not caption.relations:
            return likely
        return [position for position in likely if is_true(caption, self._scenes[position])]


def is_true(caption: Caption, scene: Scene) -> bool:
    """Whether a caption, read loosely, is true of a scene."""
    things = scene.things
    if caption.total not in (None, len(things)) or caption.shade not in (None, scene.shade):
        return False
    if any(len(_named(presence.mention, things)) < presence.number for presence in caption.presences):
        return False
    return all(
        any(
            place(first, relation.axis) < place(second, relation.axis)
            for first in _named(relation.first, things)
            for second in _named(relation.second, things)
        )
        for relation in caption.relations
    )


def plain_mention(thing: Thing) -> Mention:
    """A thing by its colour and shape."""
    return Mention(thing.colour, thing.shape)


def sized_mention(thing: Thing) -> Mention:
    """A thing by its colour, shape and size."""
    return Mention(thing.colour, thing.shape, thing.size)


def _mentions(thing: Thing) -> tuple[Mention, ...]:
    """All mentions that captions use for a thing."""
    return (
        plain_mention(thing),
        sized_mention(thing),
        Mention(colour=thing.colour),
        Mention(shape=thing.shape),
    )


def _named(mention: Mention, things: Sequence[Thing]) -> list[Thing]:
    return [
        thing
        for thing in things
        if mention.colour in (None, thing.colour)
        and mention.shape in (None, thing.shape)
        and mention.size in (None, thing.size)
    ]


def place(thing: Thing, axis: Axis) -> int:
    """How far right (across) or down a thing is."""
    return thing.x if axis == "across" else thing.y
