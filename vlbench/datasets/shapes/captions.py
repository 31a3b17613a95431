"""Captions of scenes. Each is true of only one scene of a set: its claims are checked against all others."""

from collections.abc import Callable, Sequence
from functools import partial

from vlbench.core.errors import DataError
from vlbench.datasets.shapes.claims import (
    Axis,
    Caption,
    Mention,
    Presence,
    Relation,
    SceneSet,
    place,
    plain_mention,
    sized_mention,
)
from vlbench.datasets.shapes.world import COLOUR_NAMES, SHADES, SHAPES, SIZES, UNIT, Dice, Scene, Thing

CAPTIONS_AN_IMAGE = 5
AXES: tuple[Axis, ...] = ("across", "down")

_MARGIN = 6 * UNIT
_OWN_TRIES = 6
_PLAIN_TRIES = 20
_TRIES = 60
_WORDS = {
    "across": (("left of", "to the left of"), ("right of", "to the right of")),
    "down": (("above", "over"), ("below", "under")),
}
_ONE_THING = ("{}", "a drawing of {}", "{}, drawn in thin lines", "my sketch of {}", "{} on a {} ground")
_NUMBERS = {2: "two", 3: "three", 4: "four"}


def write_captions(scenes: Sequence[Scene], key: tuple[int, ...]) -> tuple[tuple[str, ...], ...]:
    """Five different captions of each scene, none true of another scene of the set.

    A scene's captions depend on the key, its own key and, through uniqueness, on the set.

    Raises:
        DataError: a scene has fewer than two things, or cannot be told from another one.
    """
    scene_set = SceneSet(scenes)
    return tuple(_captions_of(scene, position, scene_set, key) for position, scene in enumerate(scenes))


def write_caption(scene: Scene, key: tuple[int, ...]) -> str:
    """A caption of a scene's first thing, as people write them: more or less is said, in several ways."""
    dice = Dice(*key, *scene.key)
    thing = scene.things[0]
    said = counted(dice.choose((plain_mention, plain_mention, sized_mention))(thing))
    return dice.choose(_ONE_THING).format(said, SHADES[scene.shade])


def _captions_of(scene: Scene, position: int, scene_set: SceneSet, key: tuple[int, ...]) -> tuple[str, ...]:
    if len(scene.things) < 2:
        raise DataError(f"scene {position} holds one thing; captions are written for two and more")
    dice = Dice(*key, *scene.key)
    texts: list[str] = []
    for kind in range(CAPTIONS_AN_IMAGE):
        for attempt in range(_TRIES):
            if attempt < _OWN_TRIES:
                write = _KINDS[kind]
            else:
                write = dice.choose(_KINDS) if attempt < _PLAIN_TRIES else _write_all
            caption = write(scene, dice)
            if caption.text in texts:
                continue
            if scene_set.true_of(caption) == [position]:
                texts.append(caption.text)
                break
        else:
            raise DataError(
                f"scene {position} of the shape world cannot be told from the others by {CAPTIONS_AN_IMAGE} "
                "captions; choose another seed or a smaller count"
            )
    return tuple(texts)


# --- the five kinds -----------------------------------------------------------------------------


def _write_list(scene: Scene, dice: Dice) -> Caption:
    presences = _grouped([plain_mention(thing) for thing in dice.some(scene.things, len(scene.things))])
    text = f"{dice.choose(('', 'a picture of ', 'there is '))}{enumerated(presences)}"
    if dice.choose(range(3)):
        return Caption(text, presences)
    return Caption(f"{text} on a {SHADES[scene.shade]} ground", presences, shade=scene.shade)


def _write_sizes(scene: Scene, dice: Dice) -> Caption:
    presences = _grouped([sized_mention(thing) for thing in dice.some(scene.things, len(scene.things))])
    return Caption(f"{dice.choose(('', 'a picture of '))}{enumerated(presences)}", presences)


def _write_count(scene: Scene, dice: Dice) -> Caption:
    things = scene.things
    number = _NUMBERS[len(things)]
    match dice.choose(range(3)):
        case 0:
            presences = _grouped([plain_mention(thing) for thing in dice.some(things, 2)])
            text = f"{number} shapes with {enumerated(presences)} among them"
        case 1:
            presences = _grouped([Mention(colour=thing.colour) for thing in dice.some(things, len(things))])
            text = f"{number} shapes: {enumerated(presences)}"
        case _:
            presences = _grouped([Mention(shape=thing.shape) for thing in dice.some(things, len(things))])
            text = f"{number} shapes: {enumerated(presences)}"
    return Caption(text, presences, total=len(things))


def _write_relation(scene: Scene, dice: Dice, axis: Axis) -> Caption:
    """A caption about two things apart by a margin, half of the time with a third thing.

    A list where no two are apart.
    """
    pairs = apart(scene.things, axis)
    if not pairs:
        return _write_sizes(scene, dice)
    first, second = dice.choose(pairs)
    name = dice.choose((plain_mention, plain_mention, sized_mention))
    relation = Relation(name(first), name(second), axis)
    text = _relate(relation, dice)
    presences = _grouped([relation.first, relation.second])
    others = [thing for thing in scene.things if thing not in (first, second)]
    if others and dice.choose(range(2)) == 1:
        third = name(dice.choose(others))
        presences = _grouped([relation.first, relation.second, third])
        text = f"{text}, and also {counted(third)}"
    return Caption(text, presences, (relation,))


def _write_all(scene: Scene, dice: Dice) -> Caption:
    """A caption with the number of things, each thing with its size, the position of two, and the ground."""
    things = scene.things
    presences = _grouped([sized_mention(thing) for thing in dice.some(things, len(things))])
    text = f"{_NUMBERS[len(things)]} shapes on a {SHADES[scene.shade]} ground: {enumerated(presences)}"
    relations = []
    for axis in AXES:
        pairs = apart(things, axis)
        if pairs:
            first, second = dice.choose(pairs)
            relations.append(Relation(sized_mention(first), sized_mention(second), axis))
    text = ", ".join((text, *(_relate(relation, dice) for relation in relations)))
    return Caption(text, presences, tuple(relations), len(things), scene.shade)


_KINDS: tuple[Callable[[Scene, Dice], Caption], ...] = (
    _write_list,
    partial(_write_relation, axis="across"),
    partial(_write_relation, axis="down"),
    _write_sizes,
    _write_count,
)


# --- words --------------------------------------------------------------------------------------


def _relate(relation: Relation, dice: Dice) -> str:
    forward, backward = _WORDS[relation.axis]
    if dice.choose(range(2)):
        return f"{counted(relation.first)} {dice.choose(forward)} {counted(relation.second)}"
    return f"{counted(relation.second)} {dice.choose(backward)} {counted(relation.first)}"


def enumerated(presences: Sequence[Presence]) -> str:
    """Things in words: `a red circle, two stars and a blue square`."""
    parts = [counted(presence.mention, presence.number) for presence in presences]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def counted(mention: Mention, number: int = 1) -> str:
    """A number of things of a kind in words: `a red circle`, `two stars`."""
    noun = _noun(mention, number)
    if number > 1:
        return f"{_NUMBERS[number]} {noun}"
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _noun(mention: Mention, number: int) -> str:
    noun = "shape" if mention.shape is None else SHAPES[mention.shape]
    if number > 1:
        noun += "es" if noun.endswith("s") else "s"
    words = (
        None if mention.size is None else SIZES[mention.size],
        None if mention.colour is None else COLOUR_NAMES[mention.colour],
        noun,
    )
    return " ".join(word for word in words if word)


# --- claims -------------------------------------------------------------------------------------


def _grouped(mentions: Sequence[Mention]) -> tuple[Presence, ...]:
    """Equal mentions joined to one with their number, in the order of the first of each."""
    return tuple(Presence(mention, mentions.count(mention)) for mention in dict.fromkeys(mentions))


def apart(things: Sequence[Thing], axis: Axis) -> list[tuple[Thing, Thing]]:
    """Pairs of things, the first clearly left of or above the second."""
    return [
        (first, second)
        for first in things
        for second in things
        if place(second, axis) - place(first, axis) >= _MARGIN
    ]
