"""The image side of transformers' dual encoders: an image processor's rule as a transform, and a tower."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any, cast

from PIL.Image import Image, fromarray
from torch import Tensor, nn
from torchvision.transforms import InterpolationMode, Resize

from vlbench.core.contracts import ModelInfo, Placement, PreprocessMode, ScoreUnit
from vlbench.core.damage import reading
from vlbench.core.errors import Unsupported, WeightsError
from vlbench.models.shared.dual_encoder import DualEncoder, TextEncoder, normalised
from vlbench.models.shared.preprocess import ExactPreprocess, Transform, preprocess_for
from vlbench.models.shared.recipe import Preprocessing
from vlbench.models.shared.weights import scale_of
from vlbench.models.transformers.files import Files
from vlbench.models.transformers.network import Network

_BYTE = 255.0
_KERNELS = {2: "bilinear", 3: "bicubic"}
"""Pillow's numbers for the supported kernels."""

_DIGITS = 9
"""The decimals to which mean and deviation are rounded, so that 1/255 times 255 is 1."""


@dataclass(frozen=True, slots=True)
class ImageRule:
    """Resize to (height, width) or by the shortest edge, crop `crop` at the centre, normalise."""

    resize: int | tuple[int, int]
    crop: tuple[int, int] | None
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def size(self) -> tuple[int, int]:
        """The height and width of the pixels."""
        if self.crop is not None:
            return self.crop
        assert isinstance(self.resize, tuple)
        return self.resize

    def transform(self, mode: PreprocessMode) -> Transform:
        """The transform for a mode; the centre crop is the same in both modes."""
        if self.crop is not None and self.crop != self.resize:
            kernel = InterpolationMode(self.interpolation)
            size = self.resize if isinstance(self.resize, int) else list(self.resize)
            return ExactPreprocess((as_rgb, Resize(size, interpolation=kernel), MiddleCrop(*self.crop)))
        stated = Preprocessing(
            size=self.size,
            mean=self.mean,
            std=self.std,
            interpolation=self.interpolation,
            resize_mode="squash",
        )
        return preprocess_for(stated, mode, before=(as_rgb,))


@dataclass(frozen=True, slots=True)
class MiddleCrop:
    """The centre crop of transformers: an odd line is dropped at the bottom and right, where torchvision
    rounds."""

    height: int
    width: int

    def __call__(self, image: Image) -> Image:
        top, left = (image.height - self.height) // 2, (image.width - self.width) // 2
        return image.crop((left, top, left + self.width, top + self.height))


def as_rgb(image: Image) -> Image:
    """An image in RGB as transformers converts it, before the resize.

    Since release 5.21, transparent parts are put on white; before, their hidden colours are shown.
    """
    from transformers.image_transforms import convert_to_rgb

    arrays = {"return_numpy": True} if "return_numpy" in signature(convert_to_rgb).parameters else {}
    found = convert_to_rgb(image, **arrays)
    return found if isinstance(found, Image) else fromarray(found)


def _image_features(model: nn.Module, pixels: Tensor) -> Tensor:
    """Features [b, d] of normalised pixels [b, 3, h, w]."""
    encode = cast(Callable[..., Any], model.get_image_features)
    return cast(Tensor, encode(pixel_values=pixels).pooler_output)


def dual_encoder(
    files: Files,
    config: Any,
    network: Network,
    text_encoder: TextEncoder,
    *,
    name: str,
    rule: ImageRule,
    placement: Placement,
    preprocess: PreprocessMode,
) -> DualEncoder:
    """The model of a checkpoint: the image tower of a network with a text encoder.

    Raises:
        WeightsError: the factor of cosines seems to be stored instead of its logarithm.
    """
    model, changes = network
    scale, bias = _scale_and_bias(model, files.weights)
    # both towers' features have the projection's width, or the image tower's where there is none
    width = int(getattr(config, "projection_dim", None) or config.vision_config.hidden_size)
    info = ModelInfo(
        name=name,
        unit=ScoreUnit("cosine", scale, bias),
        image_size=rule.size,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        feature_shape=(width,),
        changes=(*files.changes, *changes),
    )
    return DualEncoder(
        info=info,
        preprocess=rule.transform(preprocess),
        normalisation=partial(normalised, mean=rule.mean, std=rule.std),
        image_tower=partial(_image_features, model),
        text_encoder=text_encoder,
        placement=placement,
    )


def rule_of(files: Files, config: Any, *, name: str) -> ImageRule:
    """The rule of a checkpoint's own image processor.

    Raises:
        WeightsError: transformers cannot read it, or its pixels do not fit the tower.
        Unsupported: the image processor is not supported.
    """
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoImageProcessor

    wrong = "without an image processor that transformers reads"
    with reading(files.folder, wrong, error=WeightsError, also=(StrictDataclassError,)):
        found: object = AutoImageProcessor.from_pretrained(
            files.folder, local_files_only=True, trust_remote_code=False
        )
        rule = image_rule(found, name=name)
    stated = getattr(config.vision_config, "image_size", None)
    # a tower of patches takes one size
    patches = hasattr(config.vision_config, "patch_size") and isinstance(stated, int)
    if patches and rule.size != (stated, stated):
        raise WeightsError(
            f"{files.folder}: its image processor makes {rule.size[0]}x{rule.size[1]} pixels, its image "
            f"tower takes {stated}x{stated}; take the preprocessor_config.json that the model was trained "
            "with"
        )
    return rule


def image_rule(processor: object, *, name: str) -> ImageRule:
    """The rule of an image processor; its rescaling is merged into mean and deviation for pixels in [0, 1].

    Raises:
        Unsupported: it pads, does not resize or rescale, or uses another kernel.
    """

    def stated(what: str) -> object:
        return getattr(processor, what, None)

    kernel = _KERNELS.get(int(stated("resample") or 0))  # type: ignore[call-overload]
    odd = [what for what in ("do_resize", "do_rescale") if not stated(what)]
    odd += [what for what in ("do_pad", "include_top") if stated(what)]
    odd += [] if kernel else ["resample"]
    if odd:
        values = ", ".join(f"{what}: {stated(what)}" for what in odd)
        raise Unsupported(f"{name}: its image processor ({values}) is none that is read here")
    mean, std = _fused(processor)
    crop = _height_and_width(stated("crop_size"), name) if stated("do_center_crop") else None
    resize = _resized(stated("size"), name)
    if isinstance(resize, int) and crop is None:
        raise Unsupported(f"{name}: its image processor keeps the ratio of images and crops none")
    return ImageRule(resize, crop, str(kernel), mean, std)


def _fused(processor: object) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation for pixels x in [0, 1] that are equivalent to ((255 x f - o) - mean) / std."""
    scale = _BYTE * float(processor.rescale_factor)  # type: ignore[attr-defined]
    offset = 1.0 if getattr(processor, "rescale_offset", False) else 0.0
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    if processor.do_normalize:  # type: ignore[attr-defined]
        mean, std = tuple(processor.image_mean), tuple(processor.image_std)  # type: ignore[attr-defined]
    return (
        tuple(round((offset + value) / scale, _DIGITS) for value in mean),
        tuple(round(value / scale, _DIGITS) for value in std),
    )


def _resized(size: object, name: str) -> int | tuple[int, int]:
    edge = _length(size, "shortest_edge")
    return edge if isinstance(edge, int) else _height_and_width(size, name)


def _length(size: object, which: str) -> object:
    """A length in a size, which is a dictionary in the first releases of transformers 5."""
    return size.get(which) if isinstance(size, Mapping) else getattr(size, which, None)


def _height_and_width(size: object, name: str) -> tuple[int, int]:
    height, width = _length(size, "height"), _length(size, "width")
    if not isinstance(height, int) or not isinstance(width, int):
        raise Unsupported(f"{name}: its image processor states the size {size}; height and width are wanted")
    return height, width


def _scale_and_bias(model: nn.Module, path: Path) -> tuple[float, float]:
    """The factor and the offset of a cosine: exp(logit_scale), or 1 / temperature (ALIGN)."""
    parameters: Mapping[str, Tensor] = dict(model.named_parameters(recurse=False))
    bias = parameters.get("logit_bias")
    if "logit_scale" in parameters:
        scale = scale_of(path, parameters["logit_scale"])
    else:
        scale = float(1 / parameters["temperature"])
    return scale, 0.0 if bias is None else float(bias)
