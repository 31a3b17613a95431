"""What tiny-react is made with: plain training scenes and drawn digits, and outlined scenes with texts."""

from dataclasses import dataclass
from functools import partial
from multiprocessing import Pool

import numpy as np
from numpy.typing import NDArray
from tiny_clip_data import WORKERS, pairs_of
from tiny_clip_digits import draw_digit

from vlbench.core.errors import DataError
from vlbench.datasets.shapes.captions import write_captions
from vlbench.datasets.shapes.world import Population, Style, draw_scene, render

SET = 32
"""Scenes whose captions are true of one of them only."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Outlined scenes as a search for the seen pairs might bring them, with what is written of them."""

    single: NDArray[np.uint8]  # [s, 64, 64, 3]
    single_pairs: NDArray[np.bool_]  # [s, 64]
    several: NDArray[np.uint8]  # [g, SET, 64, 64, 3]
    several_pairs: NDArray[np.bool_]  # [g, SET, 64]
    captions: list[tuple[tuple[str, ...], ...]]  # [g][SET][5]


def draw_plain(*, singles: int, several: int, digits: int, seed: int) -> NDArray[np.uint8]:
    """Images `[n, 64, 64, 3]` to agree on: scenes of one thing, of two to four things, and digits."""
    with Pool(WORKERS) as pool:
        drawn = [
            *pool.imap(partial(_plain, "single", seed), range(singles), 64),
            *pool.imap(partial(_plain, "several", seed), range(several), 64),
            *pool.imap(partial(_digit, seed), range(digits), 64),
        ]
    return np.stack(drawn)


def draw_retrieved(*, singles: int, sets: int, seed: int) -> Retrieved:
    """Outlined scenes of the training split, which never shows a held-out pair, with their texts."""
    with Pool(WORKERS) as pool:
        alone = pool.map(partial(_single, seed), range(singles), 64)
        together = [
            each for each in pool.imap(partial(_set, seed), range(sets * 5 // 4), 2) if each is not None
        ][:sets]
    return Retrieved(
        single=np.stack([image for image, _ in alone]),
        single_pairs=np.stack([pairs for _, pairs in alone]),
        several=np.stack([images for images, _, _ in together]),
        several_pairs=np.stack([pairs for _, pairs, _ in together]),
        captions=[captions for _, _, captions in together],
    )


def _plain(population: Population, seed: int, index: int) -> NDArray[np.uint8]:
    return render(draw_scene(population=population, split="train", seed=seed, index=index))


def _digit(seed: int, index: int) -> NDArray[np.uint8]:
    return draw_digit(index % 10, np.random.default_rng([seed, index]))


def _single(seed: int, index: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    scene = draw_scene(population="single", split="train", seed=seed, index=index)
    return render(scene, _STYLE), pairs_of(scene)


def _set(
    seed: int, index: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], tuple[tuple[str, ...], ...]] | None:
    """Scenes, the pairs they show and their captions; None where captions cannot tell them apart."""
    scenes = [
        draw_scene(population="several", split="train", seed=seed, index=index * SET + k) for k in range(SET)
    ]
    try:
        captions = write_captions(scenes, (seed,))
    except DataError:
        return None
    images = np.stack([render(scene, _STYLE) for scene in scenes])
    return images, np.stack([pairs_of(scene) for scene in scenes]), captions


_STYLE: Style = "outline"
