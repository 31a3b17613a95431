"""Capabilities: what a model can do beyond scoring. Each is an optional protocol of one method."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from vlbench.core.contracts import Text

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class OffersTags(Protocol):
    """A model with its own tags. A tag's `ids` hold its position and, under `zh`, its Chinese name."""

    def tags(self) -> tuple[Text, ...]: ...


@runtime_checkable
class DecidesTags(Protocol):
    """A model with a threshold for each tag, a probability: a score above it predicts the tag."""

    def tag_thresholds(self, texts: Sequence[Text]) -> Sequence[float]: ...


@runtime_checkable
class CutsSentences(Protocol):
    """A model that truncates long sentences.

    `cut` returns the sentences of the texts that it does not read whole.
    """

    def cut(self, texts: Sequence[Text]) -> Sequence[str]: ...


TOKENS = "tokens"
"""The capability of a checkpoint whose model is a `CountsTokens`."""


@runtime_checkable
class CountsTokens(Protocol):
    """A model that counts its tokens, and tells which texts are the same to it.

    `token_counts` [m] counts the tokens of each text's longest sentence before truncation, with the start and
    end tokens. `token_digests` [m] digests the tokens that the model reads of each text: texts with equal
    digests have equal features.
    """

    def token_counts(self, texts: Sequence[Text]) -> Sequence[int]: ...
    def token_digests(self, texts: Sequence[Text]) -> Sequence[str]: ...


PAIRS = "pairs"
"""The capability of a checkpoint whose model is a `ScoresPairs`."""


@runtime_checkable
class ScoresPairs(Protocol):
    """A model that scores image k with text k: features [p, ...] of both sides to scores [p].

    Each score equals what `score` gives for that pair, up to rounding, and depends on no other pair.
    """

    def score_pairs(self, images: "Tensor", texts: "Tensor") -> "Tensor": ...


VECTORS = "vectors"
"""The capability of a checkpoint whose model is a `Vectors`."""


@runtime_checkable
class Vectors(Protocol):
    """A model that maps features of images or texts [b, ...] to vectors [b, d] in one shared space.

    The cosine of two vectors measures how similar their items are. A vector depends on its own item alone; it
    may have any length.
    """

    def vectors(self, features: "Tensor") -> "Tensor": ...


Captioner = Callable[["Tensor", Sequence[Sequence[str]]], Sequence[str]]
"""Writes one caption for each image from its features [b, ...], guided by a list of tags for each."""

CAPTIONS = "captions"
"""The capability of a checkpoint whose model is a `Generates`."""


NAMES_ALONE = "names alone"
"""The capability of a checkpoint whose model reads only the names of texts, not prompts or descriptions."""

IMAGES_ALONE = "images alone"
"""The capability of a checkpoint whose model encodes no texts. It can be probed, and queried by images."""


@runtime_checkable
class Generates(Protocol):
    """A model that writes captions. `captioner` loads the weights that only captions need."""

    def captioner(self) -> Captioner: ...
