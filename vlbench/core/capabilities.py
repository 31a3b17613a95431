"""What a model can do beyond scoring: optional protocols of one method each."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from vlbench.core.contracts import Text

if TYPE_CHECKING:
    from torch import Tensor


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


TOKENS = "tokens"
"""The capability of a checkpoint whose model is a `CountsTokens`."""


@runtime_checkable
class CountsTokens(Protocol):
    """A model that reads tokens: how many a text has, and which texts are the same to it.

    `token_counts` [m] are those of each text's longest sentence before it is cut, marks of its beginning and
    end included. `token_digests` [m] are of what is read of a text, its sentences cut: texts of equal digests
    have equal features.
    """

    def token_counts(self, texts: Sequence[Text]) -> Sequence[int]: ...
    def token_digests(self, texts: Sequence[Text]) -> Sequence[str]: ...


PAIRS = "pairs"
"""The capability of a checkpoint whose model is a `ScoresPairs`."""


@runtime_checkable
class ScoresPairs(Protocol):
    """A model that scores image k with text k: features [p, ...] of both to scores [p].

    A score is the one that `score` gives that pair, but for rounding; it depends on no other pair.
    """

    def score_pairs(self, images: "Tensor", texts: "Tensor") -> "Tensor": ...


VECTORS = "vectors"
"""The capability of a checkpoint whose model is a `Vectors`."""


@runtime_checkable
class Vectors(Protocol):
    """A model whose features have vectors [b, d] in one space, where a cosine means likeness.

    `features` [b, ...] are those of images or of texts; a vector depends on its own item alone and has any
    length.
    """

    def vectors(self, features: "Tensor") -> "Tensor": ...


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
