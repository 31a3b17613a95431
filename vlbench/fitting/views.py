"""Views of training images: random crops and flips, each determined by seed, epoch and image."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from PIL import Image

from vlbench.core.contracts import Dataset, Example
from vlbench.core.dataset import Examples, subset

SCALE = (0.08, 1.0)
"""The least and the largest share of the area that a crop covers."""
RATIO = (3 / 4, 4 / 3)
"""The least and the largest ratio of width to height of a crop."""
_TRIES = 10

Box = tuple[int, int, int, int]


def views(
    dataset: Dataset, indices: Sequence[int], size: tuple[int, int], *, seed: int, epoch: int
) -> Dataset:
    """A data set of some images, each as its view of one epoch.

    `indices` are positions in the data set; `size` is (height, width) in pixels. A view depends only on the
    seed, the epoch and the position in `indices`.
    """
    chosen = subset(dataset, indices)
    view = partial(_example, chosen.examples, size, seed, epoch)
    return replace(chosen, name=f"{dataset.name}+views", examples=Examples(view, len(indices)))


def draw_box(width: int, height: int, random: np.random.Generator) -> Box:
    """Draw a crop: left, upper, right and lower edge. Area and logarithm of the ratio are uniform.

    If ten draws do not fit, it is the largest centred crop within the ratios. This is the rule of Inception's
    training (Szegedy et al. 2015, Going Deeper with Convolutions, section 6), as in RandomResizedCrop.
    """
    for _ in range(_TRIES):
        area = width * height * random.uniform(*SCALE)
        ratio = math.exp(random.uniform(math.log(RATIO[0]), math.log(RATIO[1])))
        across, down = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < across <= width and 0 < down <= height:
            left = int(random.integers(0, width - across, endpoint=True))
            upper = int(random.integers(0, height - down, endpoint=True))
            return (left, upper, left + across, upper + down)
    across = min(width, round(height * RATIO[1]))
    down = min(height, round(width / RATIO[0]))
    left, upper = (width - across) // 2, (height - down) // 2
    return (left, upper, left + across, upper + down)


def draw_view(image: Image.Image, size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    """A view of an RGB image: a crop resized to (height, width), flipped half of the time."""
    box = draw_box(*image.size, random)
    height, width = size
    # as torchvision crops: cut out first, so that the filter sees no pixel beyond the crop
    view = image.crop(box).resize((width, height), Image.Resampling.BICUBIC)
    return view.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else view


def _example(wholes: Sequence[Example], size: tuple[int, int], seed: int, epoch: int, index: int) -> Example:
    whole = wholes[index]
    return Example(
        id=f"{whole.id}, view {epoch}",
        image=partial(_view, whole.image, size, (seed, epoch, index)),
        target=whole.target,
        state=f"{whole.state}|view|{size}|{seed}|{epoch}|{index}" if whole.state else "",
        key=f"{whole.key}|view|{size}|{seed}|{epoch}|{index}" if whole.key else "",
    )


def _view(whole: Callable[[], Image.Image], size: tuple[int, int], seed: tuple[int, int, int]) -> Image.Image:
    return draw_view(whole().convert("RGB"), size, np.random.default_rng(seed))
