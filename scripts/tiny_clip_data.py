"""What tiny-clip is trained on: scenes of the training split with captions, and drawn digits.

Scenes of several things come in groups of four that differ in one respect (two colours or two places
swapped, another colour, shape, size or ground), and a caption is true of one scene of its group only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import Pool

import numpy as np
from numpy.typing import NDArray
from tiny_clip_digits import draw_digit

from vlbench.core.errors import DataError
from vlbench.datasets.shapes.captions import write_captions
from vlbench.datasets.shapes.world import (
    COLOUR_NAMES,
    LEVELS,
    RADII,
    SEEN,
    SHADES,
    SHAPES,
    Dice,
    Scene,
    Thing,
    draw_scene,
    paint,
    render,
)

GROUP = 4
WORKERS = 2


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Images in memory, uint8; every group's scenes lie side by side."""

    several: NDArray[np.uint8]  # [g, 4, 64, 64, 3]
    captions: list[tuple[tuple[str, ...], ...]]  # [g][4][5]
    several_tags: NDArray[np.bool_]  # [g, 4, 64]: pairs of colour and shape
    single: NDArray[np.uint8]  # [s, 64, 64, 3]
    single_pairs: NDArray[np.int64]  # [s]: index of the pair
    digits: NDArray[np.uint8]  # [d, 64, 64, 3]
    digit_labels: NDArray[np.int64]  # [d]


def build(*, groups: int, singles: int, digits: int, seed: int) -> TrainingData:
    """Draw everything; the same for the same arguments and numpy version."""
    with Pool(WORKERS) as pool:
        found = [
            group
            for group in pool.imap(partial(_group, seed), range(groups * 3 // 2), 64)
            if group is not None
        ][:groups]
        alone = pool.map(partial(_single, seed), range(singles), 64)
        drawn = pool.map(partial(_digit, seed), range(digits), 64)
    return TrainingData(
        several=np.stack([images for images, _, _ in found]),
        captions=[captions for _, captions, _ in found],
        several_tags=np.stack([tags for _, _, tags in found]),
        single=np.stack([image for image, _ in alone]),
        single_pairs=np.array([pair for _, pair in alone]),
        digits=np.stack(drawn),
        digit_labels=np.arange(digits) % 10,
    )


def pairs_of(scene: Scene) -> NDArray[np.bool_]:
    """Which pairs of colour and shape a scene shows, `[64]`."""
    shown = np.zeros((len(COLOUR_NAMES), len(SHAPES)), dtype=np.bool_)
    for thing in scene.things:
        shown[thing.colour, thing.shape] = True
    return shown.reshape(-1)


def _digit(seed: int, index: int) -> NDArray[np.uint8]:
    return draw_digit(index % 10, np.random.default_rng([seed, index]))


def _single(seed: int, index: int) -> tuple[NDArray[np.uint8], int]:
    scene = draw_scene(population="single", split="train", seed=seed, index=index)
    return render(scene), scene.things[0].colour * len(SHAPES) + scene.things[0].shape


def _group(
    seed: int, index: int
) -> tuple[NDArray[np.uint8], tuple[tuple[str, ...], ...], NDArray[np.bool_]] | None:
    """Four scenes, their captions and pairs; None where captions cannot tell them apart."""
    first = draw_scene(population="several", split="train", seed=seed, index=index)
    dice = Dice(*first.key, 2)
    scenes = [first]
    while len(scenes) < GROUP:
        changed = _change(first, dice)
        if changed is not None and all(_differ(changed, scene) for scene in scenes):
            scenes.append(replace(changed, key=(*first.key, 3, len(scenes))))
    try:
        captions = write_captions(scenes, (seed,))
    except DataError:
        return None
    return np.stack([render(s) for s in scenes]), captions, np.stack([pairs_of(s) for s in scenes])


# --- one respect in which two scenes differ -----------------------------------------------------


def _change(scene: Scene, dice: Dice) -> Scene | None:
    """A scene that differs in one respect; None where it would show what training must not."""
    change = dice.choose(_CHANGES)
    changed = change(scene, dice)
    pairs = [(thing.colour, thing.shape) for thing in changed.things]
    if changed == scene or len(set(pairs)) < len(pairs) or not all(pair in SEEN for pair in pairs):
        return None
    return changed


def _swap_colours(scene: Scene, dice: Dice) -> Scene:
    one, two = dice.some(range(len(scene.things)), 2)
    first, second = scene.things[one], scene.things[two]
    return _with(
        scene,
        {
            one: replace(first, colour=second.colour, rgb=second.rgb),
            two: replace(second, colour=first.colour, rgb=first.rgb),
        },
    )


def _swap_places(scene: Scene, dice: Dice) -> Scene:
    """Two things change places, with their radii, so that nothing touches."""
    one, two = dice.some(range(len(scene.things)), 2)
    first, second = scene.things[one], scene.things[two]
    if first.size != second.size:
        return scene
    return _with(
        scene,
        {
            one: replace(first, x=second.x, y=second.y, radius=second.radius),
            two: replace(second, x=first.x, y=first.y, radius=first.radius),
        },
    )


def _recolour(scene: Scene, dice: Dice) -> Scene:
    one = dice.choose(range(len(scene.things)))
    colour = dice.choose(range(len(COLOUR_NAMES)))
    return _with(scene, {one: replace(scene.things[one], colour=colour, rgb=paint(colour, dice))})


def _reshape(scene: Scene, dice: Dice) -> Scene:
    one = dice.choose(range(len(scene.things)))
    return _with(scene, {one: replace(scene.things[one], shape=dice.choose(range(len(SHAPES))))})


def _shrink(scene: Scene, dice: Dice) -> Scene:
    one = dice.choose(range(len(scene.things)))
    thing = scene.things[one]
    if thing.size == 0:
        return scene
    size = dice.choose(range(thing.size))
    return _with(scene, {one: replace(thing, size=size, radius=dice.choose(RADII[size]))})


def _reground(scene: Scene, dice: Dice) -> Scene:
    shade = dice.choose(range(len(SHADES)))
    if shade == scene.shade:
        return scene
    level = dice.choose(LEVELS[shade])
    return replace(scene, shade=shade, ground=(level, level, level))


def _differ(one: Scene, other: Scene) -> bool:
    return one.shade != other.shade or one.things != other.things


def _with(scene: Scene, changed: dict[int, Thing]) -> Scene:
    return replace(scene, things=tuple(changed.get(k, thing) for k, thing in enumerate(scene.things)))


_CHANGES: Sequence[Callable[[Scene, Dice], Scene]] = (
    _swap_colours,
    _swap_colours,
    _swap_places,
    _swap_places,
    _recolour,
    _reshape,
    _shrink,
    _reground,
)
