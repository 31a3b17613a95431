"""The image side of taggers: pixels by the authors' transform, and their tokens."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import methodcaller
from typing import Any

import torch
from PIL.Image import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode, Resize

from vlbench.core.contracts import Placement, PreprocessMode
from vlbench.models.ram.taggers import Tagger
from vlbench.models.shared.dual_encoder import normalised
from vlbench.models.shared.precision import inference
from vlbench.models.shared.preprocess import ExactPreprocess, FastPreprocess
from vlbench.models.shared.recipe import Preprocessing

_PIXELS_AT_ONCE = 384 * 384
"""How many pixels a CPU encodes together: one image of full size. Eight images take a fifth more time and 1.1
GB more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggerImages:
    """Encodes images on a device."""

    preprocess: Callable[[Image], Tensor]
    normalisation: Callable[[Tensor], Tensor]
    network: Tagger
    placement: Placement

    def encode_images(self, pixels: Tensor) -> Tensor:
        """Tokens [b, 1 + t, c] of uint8 pixels [b, 3, h, w]; the mean token comes first."""
        parts = (
            equal_parts(pixels, max(1, _PIXELS_AT_ONCE // pixels[0, 0].numel()))
            if torch.device(self.placement.device).type == "cpu" and len(pixels)
            else (pixels,)
        )
        with inference(self.placement):
            found = [
                self.network.encode(self.normalisation(part.to(self.placement.device))).float()
                for part in parts
            ]
            return found[0] if len(found) == 1 else torch.cat(found)[: len(pixels)]


def image_side(
    network: Tagger, preprocessing: Preprocessing, mode: PreprocessMode, placement: Placement
) -> dict[str, Any]:
    """The fields of TaggerImages by name. The network is moved to the device.

    The authors' transform converts images to RGB, then resizes them without keeping the aspect ratio.
    """
    resize = Resize(preprocessing.size, interpolation=InterpolationMode.BILINEAR)
    exact = ExactPreprocess((methodcaller("convert", "RGB"), resize))
    return {
        "preprocess": exact if mode == "exact" else FastPreprocess(preprocessing, exact),
        "normalisation": partial(normalised, mean=preprocessing.mean, std=preprocessing.std),
        "network": network.to(placement.device),
        "placement": placement,
    }


def equal_parts(rows: Tensor, most: int) -> tuple[Tensor, ...]:
    """Split rows [n, ...] into parts of one size, at most `most`, so that all are rounded alike.

    The last is padded.

    >>> [part.tolist() for part in equal_parts(torch.arange(5), 3)]
    [[0, 1, 2], [3, 4, 0]]
    """
    size = -(-len(rows) // -(-len(rows) // most))
    missing = -len(rows) % size
    whole = torch.cat([rows, rows[:1].expand(missing, *rows.shape[1:])]) if missing else rows
    return torch.split(whole, size)
