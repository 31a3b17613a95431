"""A loaded tagger: tokens of images, rows of tags, and logits in blocks with bounded memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vlbench.core.contracts import ModelInfo, Placement, PreprocessMode, ScoreUnit, Text
from vlbench.core.errors import Unsupported
from vlbench.models.ram.images import TaggerImages, image_side
from vlbench.models.ram.tag_decoder import blocks
from vlbench.models.ram.taggers import Ram, RamPlus, Tagger
from vlbench.models.ram.texts import ListedTags, ReadTags
from vlbench.models.shared.dual_encoder import TILE
from vlbench.models.shared.precision import inference
from vlbench.models.shared.recipe import Recipe

TAGS_AT_ONCE = 512
"""How many tags the decoder scores together: 54 MB of descriptions, 50 MB of states for 8 images."""

PAIRS_AT_ONCE = {"cpu": 4096, "cuda": 32768}
"""How many pairs of an image and a tag are in memory together, by device."""
_PAIRS_ELSEWHERE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggerModel(TaggerImages):
    """A tagger on a device; a Model and a DecidesTags of core/capabilities.py."""

    info: ModelInfo
    texts: ListedTags | ReadTags

    def encode_texts(self, texts: Sequence[Text], *, batch_size: int) -> Tensor:
        """Rows [m, ...] of tags. The row of a tag does not depend on the other tags, to the bit."""
        return self.texts(texts, batch_size=batch_size)

    def score(self, images: Tensor, texts: Tensor) -> Tensor:
        """Logits [b, m] of tokens [b, 1 + t, c] and rows [m, ...]; their sigmoid is a probability.

        The image-dependent description of a tag is computed in float32 at any precision.
        """
        logits = images.new_empty(len(images), len(texts))
        tags_at_once = max(1, min(TAGS_AT_ONCE, len(texts)))
        pairs = PAIRS_AT_ONCE.get(torch.device(self.placement.device).type, _PAIRS_ELSEWHERE)
        plain = Placement(self.placement.device)
        for rows in blocks(len(images), max(1, pairs // tags_at_once)):
            tokens = images[rows]  # [b, 1 + t, c]
            with inference(self.placement):
                memory = self.network.remember(tokens)
            for columns in blocks(len(texts), tags_at_once):
                asked = filled(texts[columns])
                with inference(plain):
                    described = self.network.described(tokens, asked)  # [b, n, e]
                with inference(self.placement):
                    found = self.network.logits(described, memory)  # [b, n]
                logits[rows, columns] = found[:, : columns.stop - columns.start].float()
        return logits

    def tag_thresholds(self, texts: Sequence[Text]) -> tuple[float, ...]:
        """The probability above which each tag is predicted; 1 for a tag that is never predicted."""
        return self.texts.thresholds(texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTaggerModel(TaggerModel):
    """A tagger with its own list of tags only; also an OffersTags of core/capabilities.py."""

    texts: ListedTags

    def tags(self) -> tuple[Text, ...]:
        """The model's own tags, in the order of its outputs."""
        return self.texts.tags


class InClipSpace:
    """The capability that RAM and RAM++ add to a tagger: a Vectors of core/capabilities.py.

    Their mean token is trained towards CLIP's image feature (recognize-anything, ram/models/ram.py and
    ram_plus.py: `loss_dis`), which is in the space of the sentence features of their tags.
    """

    __slots__ = ()
    info: ModelInfo
    network: Tagger

    def vectors(self, features: Tensor) -> Tensor:
        """The mean tokens [b, c] of images [b, 1 + t, c].

        For tags [m, c] or [m, k, c], the sum over their sentences.

        Raises:
            Unsupported: a tag may have as many sentences as an image has tokens.
        """
        size = self.network.size
        if features.ndim == 2:
            return features  # RAM's tags are one row each
        if isinstance(self.network, RamPlus) and size.tokens % size.descriptions == 0:
            raise Unsupported(
                f"{self.info.name}: its tags may have as many sentences as its images have tokens "
                f"({size.tokens}), so that the two cannot be told apart; take its scores instead of vectors"
            )
        if features.shape[1] == size.tokens:
            return features[:, 0].contiguous()
        found = torch.zeros_like(features[:, 0])
        for rows in features.unbind(dim=1):  # one after another: rows of zeros behind them change no bit
            found += rows
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedRamModel(InClipSpace, ClosedTaggerModel):
    """RAM or RAM++ with its own list of tags only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRamModel(InClipSpace, TaggerModel):
    """RAM or RAM++ with any tags; also a CutsSentences and a CountsTokens of core/capabilities.py."""

    texts: ReadTags

    def cut(self, texts: Sequence[Text]) -> Sequence[str]:
        """The sentences of tags that are longer than the text tower reads."""
        return self.texts.cut(texts)

    def token_counts(self, texts: Sequence[Text]) -> Sequence[int]:
        """The number of tokens [m] of each tag's longest sentence before truncation."""
        return self.texts.token_counts(texts)

    def token_digests(self, texts: Sequence[Text]) -> Sequence[str]:
        """Digests [m] of the tokens that are read from each tag's sentences."""
        return self.texts.token_digests(texts)


def filled(texts: Tensor) -> Tensor:
    """Pad rows [n, ...] to whole tiles with the first row, since odd rows are rounded differently.

    Attention processes queries in groups of 32, and a last group of at least 16 like a whole one.
    """
    missing = -len(texts) % TILE
    return torch.cat([texts, texts[:1].expand(missing, *texts.shape[1:])]) if missing else texts


def tagger_model(
    network: Tagger,
    recipe: Recipe,
    texts: ListedTags | ReadTags,
    *,
    name: str,
    placement: Placement,
    preprocess: PreprocessMode,
    changes: tuple[str, ...],
) -> TaggerModel:
    """Make a model on a device from a network and its features of tags."""
    parameters = sum(each.numel() for each in network.parameters())
    if isinstance(texts, ListedTags):
        parameters += texts.bank.numel()
    info = ModelInfo(
        name=name,
        unit=ScoreUnit("probability"),
        image_size=recipe.preprocessing.size,
        parameters=parameters,
        feature_shape=(network.size.tokens, network.feature_width),
        changes=changes,
    )
    parts = image_side(network, recipe.preprocessing, preprocess, placement)
    if isinstance(texts, ReadTags):
        return OpenRamModel(**parts, info=info, texts=texts)
    kind = ClosedRamModel if isinstance(network, Ram) else ClosedTaggerModel
    return kind(**parts, info=info, texts=texts)
