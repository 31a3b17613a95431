"""From images to uint8 pixels [3, h, w]: open_clip's evaluation transform, up to its conversion to floats."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import PIL
import torch
import torchvision.io  # noqa: F401 - registers the decoder
from PIL.Image import Image
from PIL.JpegImagePlugin import JpegImageFile
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

from vlbench.core.contracts import PreprocessMode
from vlbench.core.errors import NoPixels, WeightsError
from vlbench.models.shared.recipe import Preprocessing

Transform = Callable[[Image], Tensor]

_RGB = 3
_DECODE_JPEG = getattr(torch.ops.image, "decode_jpeg", None)
"""The function behind torchvision.io.decode_jpeg, deprecated since 0.29. Without it, Pillow decodes."""

_VERTICAL_FIRST = int(PIL.__version__.split(".")[0]) >= 13
"""From this version on, Pillow shrinks rows first if it drops more than twice as many rows as columns."""


@dataclass(frozen=True, slots=True)
class ExactPreprocess:
    """open_clip's own steps up to its conversion to floats.

    After normalisation, pixels equal open_clip's to the bit. Images with other modes are converted to RGB
    after the resize, as in open_clip.
    """

    steps: tuple[Callable[[Image], Image], ...]

    def __call__(self, image: Image) -> Tensor:
        for step in self.steps:
            image = step(image)
        return _bytes_of(image)


@dataclass(frozen=True, slots=True)
class FastPreprocess:
    """The same geometry with torchvision's decoder and antialiased resize on uint8: at most 2 steps off.

    Unread JPEG files are decoded by torchvision. Images other than RGB and grey, and those with a transparent
    colour, are processed exactly: their mode is converted before or after the resize.
    """

    preprocessing: Preprocessing
    exact: ExactPreprocess

    def __call__(self, image: Image) -> Tensor:
        if image.mode not in ("RGB", "L") or image.info.get("transparency") is not None:
            return self.exact(image)
        pixels = _decoded_jpeg(image)
        if pixels is None:
            pixels = _bytes_of(image)
        return self._cropped(self._resized(pixels)).contiguous()

    def _resized(self, pixels: Tensor) -> Tensor:
        linear = self.preprocessing.interpolation == "bilinear" and not self._keeps_ratio_of_oblong()
        kind = InterpolationMode.BILINEAR if linear else InterpolationMode.BICUBIC
        height, width = pixels.shape[-2:]
        rows, columns = resized_size(self.preprocessing, height, width)
        if _VERTICAL_FIRST and height - rows > max(0, 2 * (width - columns)):
            pixels = functional.resize(pixels, [rows, width], interpolation=kind, antialias=True)
        resized: Tensor = functional.resize(pixels, [rows, columns], interpolation=kind, antialias=True)
        return resized

    def _keeps_ratio_of_oblong(self) -> bool:
        # open_clip resizes by the shortest side of an oblong target with bicubic whatever is asked.
        rows, columns = self.preprocessing.size
        return self.preprocessing.resize_mode == "shortest" and rows != columns

    def _cropped(self, pixels: Tensor) -> Tensor:
        if self.preprocessing.resize_mode == "longest":
            pixels = _padded(pixels, self.preprocessing)
        cropped: Tensor = functional.center_crop(pixels, list(self.preprocessing.size))
        return cropped


def _keeps_pixels(image: Image, preprocessing: Preprocessing) -> Image:
    """The image itself; raises NoPixels if the resize would leave no row or column."""
    resized_size(preprocessing, image.height, image.width)
    return image


def resized_size(preprocessing: Preprocessing, height: int, width: int) -> tuple[int, int]:
    """Height and width before the crop, with the rounding of torchvision's and open_clip's Resize.

    Raises:
        NoPixels: one of them is 0.
    """
    rows, columns = preprocessing.size
    mode = preprocessing.resize_mode
    if mode == "squash":
        return rows, columns
    if mode == "shortest" and rows == columns:
        if width <= height:
            return int(rows * height / width), rows
        return rows, int(rows * width / height)
    ratios = (height / rows, width / columns)
    ratio = max(ratios) if mode == "longest" else min(ratios)
    found = round(height / ratio), round(width / ratio)
    if 0 in found:
        raise NoPixels(
            f"{width}x{height} pixels are too long and narrow to be made {columns}x{rows} by the longest "
            "side: no row or column is left; crop it or remove it"
        )
    return found


def preprocess_for(
    preprocessing: Preprocessing,
    mode: PreprocessMode,
    *,
    before: tuple[Callable[[Image], Image], ...] = (),
) -> Transform:
    """The transform for a preprocessing and a mode; `before` are steps before open_clip's.

    Raises:
        WeightsError: open_clip knows no such interpolation or resize mode.
    """
    from open_clip.transform import MaybeConvertMode, image_transform
    from torchvision.transforms import Normalize, ToTensor

    try:
        steps = image_transform(
            preprocessing.size,
            is_train=False,
            mean=preprocessing.mean,
            std=preprocessing.std,
            resize_mode=preprocessing.resize_mode,
            interpolation=preprocessing.interpolation,
            fill_color=preprocessing.fill_color,
        ).transforms
    except AssertionError:
        raise WeightsError(
            f"preprocess_cfg: resize_mode {preprocessing.resize_mode!r} or interpolation "
            f"{preprocessing.interpolation!r} is none of open_clip's; correct the configuration"
        ) from None
    last = steps[-3:]
    kinds = (MaybeConvertMode, ToTensor, Normalize)  # what turns bytes to normalised floats
    assert all(isinstance(step, kind) for step, kind in zip(last, kinds, strict=True))
    rows, columns = preprocessing.size
    if preprocessing.resize_mode == "longest" or (
        preprocessing.resize_mode == "shortest" and rows != columns
    ):
        before = (partial(_keeps_pixels, preprocessing=preprocessing), *before)
    exact = ExactPreprocess((*before, *steps[:-3]))
    return exact if mode == "exact" else FastPreprocess(preprocessing, exact)


def _bytes_of(image: Image) -> Tensor:
    pixels = np.array(image.convert("RGB"))  # [h, w, 3]
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def _decoded_jpeg(image: Image) -> Tensor | None:
    """The uint8 pixels [3, h, w] of a JPEG file that is opened and not yet read; None for anything else.

    A file that torchvision cannot read is left to Pillow, whose error tells why.
    """
    if not isinstance(image, JpegImageFile) or not image.tile or image.fp is None:
        return None
    if _DECODE_JPEG is None:
        return None
    if image.filename:
        data = Path(os.fsdecode(image.filename)).read_bytes()
        image.fp.close()  # as Pillow does after reading a file that it opened itself
    else:
        image.fp.seek(0)
        data = image.fp.read()
    try:
        pixels: Tensor = _DECODE_JPEG(torch.frombuffer(bytearray(data), dtype=torch.uint8), _RGB)
    except RuntimeError:
        return None
    return pixels if tuple(pixels.shape[-2:]) == (image.height, image.width) else None


def _padded(pixels: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Pad pixels with the fill colour to the target size; an odd line is at the right and bottom."""
    missing = [max(want - have, 0) for want, have in zip(preprocessing.size, pixels.shape[-2:], strict=True)]
    top, left = (count // 2 for count in missing)
    bottom, right = (count - count // 2 for count in missing)
    padded: Tensor = functional.pad(pixels, [left, top, right, bottom], fill=preprocessing.fill_color)
    return padded
