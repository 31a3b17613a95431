"""REACT's augmentation of training images: a crop, a flip, operations of RandAugment, an erased box.

The operations are timm's, the draws come from a generator of each image's own, so that they depend on no
other image, thread or global state. Its authors ask for colour jitter too, which timm leaves out where it
runs RandAugment.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from PIL.Image import Image, Resampling, new
from timm.data.auto_augment import NAME_TO_OP
from torch import Tensor

from vlbench.fitting.react_recipe import Augmentation
from vlbench.fitting.views import draw_view

OPERATIONS = 2
"""How many operations are drawn for an image, with replacement; each is done half of the time."""
STRENGTH, DEVIATION, STRONGEST = 9.0, 0.5, 10.0
"""The mean and the deviation of an operation's strength, and its end."""
ERASED = 0.25
"""How often a box is erased."""
AREA, RATIO = (0.02, 1 / 3), (0.3, 1 / 0.3)
"""The least and the largest share of the area, and ratio of height to width, of an erased box."""
_TRIES = 10
_POSTERIZE = "PosterizeIncreasing"

Arguments = tuple[float, ...]
"""What an operation of timm takes besides the image."""


def _signed(largest: float) -> Callable[[float, int], Arguments]:
    return lambda share, sign: (sign * share * largest,)


def _enhanced(share: float, sign: int) -> Arguments:
    return (max(0.1, 1 + sign * share * 0.9),)


def _unchanged(_: float, __: int) -> Arguments:
    return ()


ARGUMENTS: Mapping[str, Callable[[float, int], Arguments]] = {
    "AutoContrast": _unchanged,
    "Equalize": _unchanged,
    "Invert": _unchanged,
    "Rotate": _signed(30),
    _POSTERIZE: lambda share, _: (4 - int(share * 4),),
    "SolarizeIncreasing": lambda share, _: (256 - min(256, int(share * 256)),),
    "SolarizeAdd": lambda share, _: (min(128, int(share * 110)),),
    "ColorIncreasing": _enhanced,
    "ContrastIncreasing": _enhanced,
    "BrightnessIncreasing": _enhanced,
    "SharpnessIncreasing": _enhanced,
    "ShearX": _signed(0.3),
    "ShearY": _signed(0.3),
    "TranslateXRel": _signed(0.45),
    "TranslateYRel": _signed(0.45),
}
"""The operations of `rand-m9-mstd0.5-inc1` by timm's names: the argument for a share of the full strength and
a sign (Cubuk et al. 2020, RandAugment, with timm's strengths)."""


@dataclass(frozen=True, slots=True, eq=False)
class Erasure:
    """Normal numbers [3, h, w] in place of normalised pixels, from a row and a column on."""

    top: int
    left: int
    noise: Tensor

    def on(self, pixels: Tensor) -> None:
        """Put it on pixels [3, height, width]."""
        height, width = self.noise.shape[-2:]
        pixels[:, self.top : self.top + height, self.left : self.left + width] = self.noise


def augment(
    image: Image,
    size: tuple[int, int],
    how: Augmentation,
    random: np.random.Generator,
    *,
    fill: tuple[int, ...],
) -> tuple[Image, Erasure | None]:
    """An RGB image as a tower sees it once, and what is erased of its pixels after they are normalised.

    `size` is (height, width) in pixels; `fill` is the colour of what an operation leaves empty.
    """
    if how == "none":
        return image, None
    image = draw_view(image, size, random)
    if how == "crop":
        return image, None
    return distort(image, random, fill=fill), draw_erasure(size, random)


def distort(image: Image, random: np.random.Generator, *, fill: tuple[int, ...]) -> Image:
    """Two operations of RandAugment on an RGB image, each of them done half of the time."""
    for name in random.choice(list(ARGUMENTS), OPERATIONS):
        if random.random() < 0.5:
            strength = min(max(random.normal(STRENGTH, DEVIATION), 0), STRONGEST)
            arguments = ARGUMENTS[name](strength / STRONGEST, -1 if random.random() < 0.5 else 1)
            if name == _POSTERIZE and not arguments[0]:
                image = new("RGB", image.size)  # no bit is left, which newer versions of Pillow refuse
            else:
                image = NAME_TO_OP[name](image, *arguments, fillcolor=fill, resample=Resampling.BICUBIC)
    return image


def draw_erasure(size: tuple[int, int], random: np.random.Generator) -> Erasure | None:
    """A box for a quarter of the images; none if ten draws do not fit (Zhong et al. 2020, algorithm 1)."""
    if random.random() >= ERASED:
        return None
    for _ in range(_TRIES):
        area = size[0] * size[1] * random.uniform(*AREA)
        ratio = math.exp(random.uniform(math.log(RATIO[0]), math.log(RATIO[1])))
        height, width = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if height < size[0] and width < size[1]:
            top, left = (
                int(random.integers(0, whole - own, endpoint=True))
                for whole, own in zip(size, (height, width), strict=True)
            )
            noise = random.standard_normal((3, height, width), dtype=np.float32)
            return Erasure(top, left, torch.from_numpy(noise))
    return None
