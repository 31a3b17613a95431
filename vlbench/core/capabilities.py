"""What a model can do beyond scoring: optional protocols of one method each."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from vlbench.core.contracts import Text

if TYPE_CHECKING:
    from torch import Tensor


VECTORS = "vectors"
"""The capability of a checkpoint whose model is a `Vectors`."""
PAIRS = "pairs"
"""The capability of a checkpoint whose model is a `ScoresPairs`."""


@runtime_checkable
class Vectors(Protocol):
    """A model whose images and texts have vectors in one space: [b, d] of features [b, ...] of a side."""

    def vectors(self, features: "Tensor") -> "Tensor": ...


@runtime_checkable
class ScoresPairs(Protocol):
    """A model that scores image k and text k alone, [p] of features [p, ...] each, as `score` does."""

    def score_pairs(self, images: "Tensor", texts: "Tensor") -> "Tensor": ...


@runtime_checkable
class OffersTags(Protocol):
    """A model with a tag list of its own; ids hold a tag's position and, under `zh`, its Chinese name."""

    def tags(self) -> tuple[Text, ...]: ...


@runtime_checkable
class DecidesTags(Protocol):
    """A model that says from which probability on each tag is present: score > threshold."""

    def tag_thresholds(self, texts: Sequence[Text]) -> Sequence[float]: ...


@runtime_checkable
class CutsSentences(Protocol):
    """A model that reads so many tokens of a sentence: those sentences of texts of which it reads a part."""

    def cut(self, texts: Sequence[Text]) -> Sequence[str]: ...


Captioner = Callable[["Tensor", Sequence[Sequence[str]]], Sequence[str]]
"""Captions of images by their features [b, ...], each led by tags of its own; an empty list leads to none."""

CAPTIONS = "captions"
"""The capability of a checkpoint whose model is a `Generates`."""


NAMES_ALONE = "names alone"
"""What a checkpoint states whose model reads the names of texts, and neither prompts nor descriptions."""

IMAGES_ALONE = "images alone"
"""What a checkpoint states whose model encodes no texts: it is probed, and asked by images."""


@runtime_checkable
class Generates(Protocol):
    """A model that writes captions. `captioner` loads what that takes beside the rest; nothing else does."""

    def captioner(self) -> Captioner: ...
