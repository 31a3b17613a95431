"""The text side of taggers: rows of a model's own list, or whatever tags a CLIP text tower reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from vlbench.core.contracts import Model, Text
from vlbench.core.errors import CardError, Unsupported
from vlbench.models.ram.network import Filled
from vlbench.models.ram.open_tags import (
    ram_embeddings,
    ram_plus_embeddings,
    ram_plus_sentences,
    ram_sentences,
)
from vlbench.models.ram.settings import Family, TaggerSettings
from vlbench.models.ram.tag_lists import positions, read_tags, read_thresholds
from vlbench.models.shared.dual_encoder import DualEncoder
from vlbench.models.shared.sentence_tokens import digests, longest, token_counts, too_long
from vlbench.models.shared.text_tower import PromptEncoder, TextTower

OPEN_THRESHOLD = 0.5
"""The authors' probability above which a tag of an open vocabulary is present."""


class TagTexts(Protocol):
    """What turns tags into rows [m, ...], and says from which probability on each is present."""

    def __call__(self, texts: Sequence[Text], *, batch_size: int) -> Tensor: ...
    def thresholds(self, texts: Sequence[Text]) -> tuple[float, ...]: ...


@dataclass(frozen=True, slots=True, eq=False)
class ListedTags:
    """Tags of a model's own list: rows of its bank [n, ...], which stays on the CPU, mapped from its file."""

    model: str
    tags: tuple[Text, ...]
    vocabulary: str
    chosen: tuple[float, ...]
    bank: Tensor
    device: str

    @classmethod
    def of(
        cls, settings: TaggerSettings, tags: tuple[Text, ...], read: Filled, *, model: str, device: str
    ) -> "ListedTags":
        """The tags of a card and the rows of its weights.

        Raises:
            CardError: the list states no thresholds, and neither does the card.
        """
        if settings.threshold is not None:
            chosen = (settings.threshold,) * len(tags)
        else:
            assert settings.tags is not None
            chosen = read_thresholds(settings.tags)
        assert read.bank is not None
        return cls(model, tags, settings.ids, chosen, read.bank, device)

    def __call__(self, texts: Sequence[Text], *, batch_size: int) -> Tensor:  # noqa: ARG002 - looked up
        return self.bank[torch.tensor(self._places(texts), dtype=torch.long)].to(self.device)

    def thresholds(self, texts: Sequence[Text]) -> tuple[float, ...]:
        return tuple(self.chosen[place] for place in self._places(texts))

    def _places(self, texts: Sequence[Text]) -> list[int]:
        return positions(texts, [tag.name for tag in self.tags], self.vocabulary, self.model)


@dataclass(frozen=True, slots=True, eq=False)
class ReadTags:
    """Tags of any name, read by a CLIP text tower in the authors' sentences."""

    model: str
    family: Family
    tower: TextTower
    descriptions: int
    threshold: float

    @classmethod
    def of(cls, settings: TaggerSettings, tower: TextTower, model: str) -> "ReadTags":
        """The text side of a card in open vocabulary."""
        threshold = OPEN_THRESHOLD if settings.threshold is None else settings.threshold
        return cls(model, settings.family, tower, settings.network.descriptions, threshold)

    def __call__(self, texts: Sequence[Text], *, batch_size: int) -> Tensor:
        """RAM [m, 512]; RAM++ [m, k, 512], k a multiple of `descriptions`, by the call's longest tag."""
        if self.family == "ram":
            return ram_embeddings(self.tower, texts, batch_size=batch_size)
        return ram_plus_embeddings(self.tower, texts, batch_size=batch_size, rows=self.descriptions)

    def thresholds(self, texts: Sequence[Text]) -> tuple[float, ...]:
        return (self.threshold,) * len(texts)

    def cut(self, texts: Sequence[Text]) -> list[str]:
        """What is longer than the tower reads: descriptions, and names that sentences are made of."""
        asked = [(text, sentence) for text in texts for sentence in self._sentences(text)]
        long = set(too_long(self.tower.tokenizer, [sentence for _, sentence in asked]))
        cut = [
            sentence if sentence in text.descriptions else text.name
            for text, sentence in asked
            if sentence in long
        ]
        return list(dict.fromkeys(cut))

    def token_counts(self, texts: Sequence[Text]) -> list[int]:
        count = partial(token_counts, self.tower.tokenizer)
        return longest(count, [self._sentences(text) for text in texts])

    def token_digests(self, texts: Sequence[Text]) -> list[str]:
        return digests(self.tower.tokenizer, [self._sentences(text) for text in texts])

    def _sentences(self, text: Text) -> tuple[str, ...]:
        return ram_sentences(text.name) if self.family == "ram" else ram_plus_sentences(text)


def tags_of(settings: TaggerSettings) -> tuple[Text, ...]:
    """A model's own tags.

    Raises:
        CardError: the list is missing or wrong.
    """
    if settings.tags is None:
        raise CardError("a closed vocabulary wants `tags`, the model's list beside the card")
    return read_tags(settings.tags, settings.ids)


def text_tower(model: Model, *, name: str, width: int) -> TextTower:
    """The text tower of a CLIP whose features are as wide as a tagger's descriptions.

    Raises:
        Unsupported: the model has none.
    """
    encoder = model.text_encoder if isinstance(model, DualEncoder) else None
    if isinstance(encoder, PromptEncoder) and encoder.tower.dimensions == width:
        return encoder.tower
    raise Unsupported(
        f"{name}: its text_model {model.info.name} has no text tower of width {width}; name the CLIP that "
        "the tagger was trained with (clip-b16)"
    )
