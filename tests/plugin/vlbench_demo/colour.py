"""An adapter: a dual encoder whose image features are mean colours and whose texts are colour names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vlbench.core.capabilities import VECTORS
from vlbench.core.contracts import (
    Checkpoint,
    Identity,
    Model,
    ModelInfo,
    Origin,
    Placement,
    PreprocessMode,
    ScoreUnit,
    Text,
)
from vlbench.core.digest import digest_of
from vlbench.core.errors import DataError, Unsupported

if TYPE_CHECKING:  # torch is imported when a model loads, so that `vlbench list` stays quick
    from PIL.Image import Image
    from torch import Tensor

SIDE = 8
"""Images are shrunk to this many pixels a side."""


def demo_colour(origin: Origin, /, *, gain: float = 20.0) -> Checkpoint:
    """The mean-colour model; `gain` scales its cosines.

    Raises:
        Unsupported: a file of weights was given, and there are none to replace.
    """
    if origin.weights is not None:
        raise Unsupported(f"{origin.name} has no weights; run it without --weights")
    return ColourCheckpoint(origin.name, origin.preprocess, gain)


@dataclass(frozen=True, slots=True)
class ColourCheckpoint:
    """The model by name, before torch is imported."""

    name: str
    preprocess_mode: PreprocessMode
    gain: float
    adapter: str = "demo_colour"
    capabilities: frozenset[str] = frozenset({VECTORS})

    def identify(self) -> Identity:
        """Digests of all that can change a side: raise the version when the code of one changes."""
        image = digest_of(["demo_colour image", 2, SIDE])
        text = digest_of(["demo_colour text", 1])
        return Identity(image=image, text=text, whole=digest_of([image, text, self.gain]))

    def load(self, placement: Placement) -> Model:
        """The model on a device."""
        unit = ScoreUnit("cosine", scale=self.gain)
        info = ModelInfo(self.name, unit, image_size=(SIDE, SIDE), parameters=0)
        return ColourModel(info, shrink, placement.device)


@dataclass(frozen=True, slots=True)
class ColourModel:
    """Features are vectors from mid-grey in RGB, [., 3]; a score is a scaled cosine."""

    info: ModelInfo
    preprocess: "Callable[[Image], Tensor]"
    device: str

    def encode_images(self, pixels: "Tensor") -> "Tensor":
        """Mean colours of pixels [b, 3, h, w] as vectors [b, 3] of any length: `score` makes them unit."""
        return pixels.float().mean(dim=(2, 3)) - 0.5

    def encode_texts(self, texts: Sequence[Text], *, batch_size: int) -> "Tensor":
        """Colours of names that Pillow knows as unit vectors [m, 3].

        Raises:
            DataError: a text is no colour.
        """
        import torch
        from PIL.ImageColor import getcolor
        from torch.nn.functional import normalize

        try:
            colours = [getcolor(text.name, "RGB") for text in texts]
        except ValueError as error:
            raise DataError(f"{self.info.name}: {error}; name a colour that Pillow knows") from error
        return normalize(torch.tensor(colours, device=self.device) / 255 - 0.5, dim=1)

    def vectors(self, features: "Tensor") -> "Tensor":
        """Vectors of either side in one space, which methods learn from: the features as they are."""
        return features

    def score(self, images: "Tensor", texts: "Tensor") -> "Tensor":
        """Scaled cosines [b, m] of images [b, 3] and texts [m, 3]."""
        from torch.nn.functional import normalize

        return self.info.unit.scale * normalize(images, dim=1) @ texts.T


def shrink(image: "Image") -> "Tensor":
    """An image as [3, SIDE, SIDE] in 0 to 1."""
    import torch
    from numpy import asarray

    small = asarray(image.convert("RGB").resize((SIDE, SIDE)))
    return torch.tensor(small).permute(2, 0, 1) / 255
