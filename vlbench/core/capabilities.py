"""What a model can do beyond scoring: optional protocols of one method each."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from vlbench.core.contracts import Text

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class OffersTags(Protocol):
    """A model with its own list of tags; `ids` hold a tag's position and, under `zh`, its Chinese name."""

    def tags(self) -> tuple[Text, ...]: ...


@runtime_checkable
class DecidesTags(Protocol):
    """A model with a threshold for each tag, a probability: a tag is present where its score is above it."""

    def tag_thresholds(self, texts: Sequence[Text]) -> Sequence[float]: ...


@runtime_checkable
class CutsSentences(Protocol):
    """A model that cuts long sentences. `cut` answers the sentences of texts that it does not read whole."""

    def cut(self, texts: Sequence[Text]) -> Sequence[str]: ...


TOKENS = "tokens"
"""The capability of a checkpoint whose model is a `CountsTokens`."""


@runtime_checkable
class CountsTokens(Protocol):
    """A model that reads tokens, counts them, and knows which texts are the same to it.

    `token_counts` [m] count the tokens of each text's longest sentence before it is cut, the marks of its
    beginning and end included. `token_digests` [m] are digests of the tokens that the model reads of each
    text: texts of equal digests have equal features.
    """

    def token_counts(self, texts: Sequence[Text]) -> Sequence[int]: ...
    def token_digests(self, texts: Sequence[Text]) -> Sequence[str]: ...


PAIRS = "pairs"
"""The capability of a checkpoint whose model is a `ScoresPairs`."""


@runtime_checkable
class ScoresPairs(Protocol):
    """A model that scores image k with text k: features [p, ...] of both to scores [p].

    Each score equals, up to rounding, what `score` gives for that pair, and depends on no other pair.
    """

    def score_pairs(self, images: "Tensor", texts: "Tensor") -> "Tensor": ...


VECTORS = "vectors"
"""The capability of a checkpoint whose model is a `Vectors`."""


@runtime_checkable
class Vectors(Protocol):
    """A model that turns features of images or texts [b, ...] into vectors [b, d] of one space.

    The cosine of two vectors says how alike their items are. A vector depends on its own item alone; its
    length is free.
    """

    def vectors(self, features: "Tensor") -> "Tensor": ...


Captioner = Callable[["Tensor", Sequence[Sequence[str]]], Sequence[str]]
"""Writes captions of images from their features [b, ...]; each caption is guided by its list of tags."""

CAPTIONS = "captions"
"""The capability of a checkpoint whose model is a `Generates`."""


NAMES_ALONE = "names alone"
"""What a checkpoint states whose model reads the names of texts, and neither prompts nor descriptions."""

IMAGES_ALONE = "images alone"
"""What a checkpoint states whose model encodes no texts: it is probed, and asked by images."""


@runtime_checkable
class Generates(Protocol):
    """A model that writes captions. `captioner` loads the weights that only captions need."""

    def captioner(self) -> Captioner: ...
