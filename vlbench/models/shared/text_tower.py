"""The text side of open_clip models: prompts with shared prefixes, averaged into a text's feature."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from vlbench.core.contracts import Model, Placement, Text
from vlbench.models.shared.causal_text import (
    full_batches,
    is_causal,
    pooled_lengths,
    token_table,
    tree_features,
)
from vlbench.models.shared.dual_encoder import DualEncoder, mean_of_groups, unit, unit_in_blocks
from vlbench.models.shared.precision import inference
from vlbench.models.shared.sentence_tokens import (
    Tokenizer,
    digests,
    longest,
    token_counts,
    tokenised,
    too_long,
)
from vlbench.models.shared.token_tree import plant

Encode = Callable[[Tensor], Tensor]
"""A function from token ids [p, context] to features [p, d]."""

_TREE_TOLERANCE = 1e-4
_CHECKED = ("a photo of a dog.", "two", "a photo")
"""Prompts with different lengths and a shared prefix, to compare trees with the full context."""


class SentenceTower(Protocol):
    """Encodes sentences on a device, with a tower of open_clip or another library."""

    @property
    def tokenizer(self) -> Tokenizer: ...
    @property
    def placement(self) -> Placement: ...
    def features(self, sentences: Sequence[str], *, batch_size: int) -> Tensor: ...
    def counts(self, sentences: Sequence[str]) -> list[int]: ...


@dataclass(frozen=True)  # no slots: cached_property
class TextTower:
    """Computes unit features [p, dimensions] of sentences with an open_clip model, from as few tokens as
    needed."""

    model: nn.Module
    tokenizer: Tokenizer
    placement: Placement
    dimensions: int

    @cached_property
    def reads_trees(self) -> bool:
        """Whether tokens after the pooled one can be left out, by architecture and by a trial."""
        if not is_causal(self.model):
            return False
        tokens = self.tokenizer(list(_CHECKED))
        lengths, table = pooled_lengths(self.model, tokens), token_table(self.model)
        plain = TextTower(self.model, self.tokenizer, Placement(self.placement.device), self.dimensions)
        from_trees = plain.table_features(table, tokens, lengths, batch_size=len(_CHECKED))
        with inference(plain.placement):
            full = unit(cast(Encode, self.model.encode_text)(tokens.to(table.device)))
        return bool((from_trees - full).abs().max() <= _TREE_TOLERANCE)

    def features(self, sentences: Sequence[str], *, batch_size: int) -> Tensor:
        """Unit features [p, d] of sentences; the rounding of a row depends on its sentence alone."""
        tokens = tokenised(self.tokenizer, sentences)  # [p, context]
        if self.reads_trees:
            lengths = pooled_lengths(self.model, tokens)
            return self.table_features(token_table(self.model), tokens, lengths, batch_size=batch_size)
        encode = cast(Encode, self.model.encode_text)
        with inference(self.placement):
            batches = full_batches(tokens.to(self.placement.device), batch_size)
            found = [encode(rows)[:count] for rows, count in batches]
        with inference(Placement(self.placement.device)):
            return unit_in_blocks(torch.cat(found).float())

    def counts(self, sentences: Sequence[str]) -> list[int]:
        """The numbers of tokens [p] of sentences before truncation."""
        return token_counts(self.tokenizer, sentences)

    def table_features(self, table: Tensor, tokens: Tensor, lengths: Tensor, *, batch_size: int) -> Tensor:
        """Unit features [p, d] of token ids [p, context] that are rows of a table [v, w] of embeddings.

        The first `lengths` [p] tokens of a row are read, and the last of them is pooled. Both are on the CPU,
        where trees are planned. Only for a tower that reads trees.
        """
        with inference(self.placement):
            found = torch.empty(len(tokens), self.dimensions, device=table.device)
            for planned in plant(tokens, lengths, batch_size=batch_size):
                tree = planned.on(table.device)
                found[tree.rows] = tree_features(self.model, table, tree, batch_size=batch_size).float()
        with inference(Placement(self.placement.device)):
            return unit_in_blocks(found)


class SentenceReader:
    """The common part of text encoders that read sentences: which are truncated, and how long they are."""

    __slots__ = ()
    tower: SentenceTower

    def sentences(self, text: Text) -> tuple[str, ...]:
        """The sentences of a text."""
        raise NotImplementedError

    def cut(self, texts: Sequence[Text]) -> list[str]:
        """The sentences of texts, or the names in them, that are longer than the tower reads."""
        asked = [(text, sentence) for text in texts for sentence in self.sentences(text)]
        long = set(too_long(self.tower.tokenizer, self.tower.counts, [each for _, each in asked]))
        cut = [
            sentence if sentence in (*text.prompts, *text.descriptions) else text.name
            for text, sentence in asked
            if sentence in long
        ]
        return list(dict.fromkeys(cut))

    def token_counts(self, texts: Sequence[Text]) -> list[int]:
        """Tokens [m] of each text's longest sentence before it is cut."""
        return longest(self.tower.counts, [self.sentences(text) for text in texts])

    def token_digests(self, texts: Sequence[Text]) -> list[str]:
        """Digests [m] of the tokens that are read of each text's sentences."""
        return digests(self.tower.tokenizer, [self.sentences(text) for text in texts])


@dataclass(frozen=True, slots=True)
class PromptEncoder(SentenceReader):
    """A TextEncoder of dual_encoder.py: the normalised mean of the unit features of a text's sentences.

    These are its prompts, else its descriptions, else its name.

    The rule of zero-shot classifiers: normalise each prompt, average, normalise (Radford et al. 2021,
    section 3.1.4; open_clip/zero_shot_classifier.py).
    """

    tower: SentenceTower

    def __call__(self, texts: Sequence[Text], *, batch_size: int) -> Tensor:
        places: dict[str, int] = {}
        groups = [[places.setdefault(each, len(places)) for each in self.sentences(text)] for text in texts]
        features = self.tower.features(list(places), batch_size=batch_size)  # [p, d]
        with inference(Placement(self.tower.placement.device)):
            return mean_of_groups(features, groups)

    def sentences(self, text: Text) -> tuple[str, ...]:
        """The sentences of a text: its prompts, else its descriptions, else its name."""
        return text.prompts or text.descriptions or (text.name,)


def tower_of(model: Model) -> TextTower | None:
    """The text tower of an open_clip model that reads prompts; None for any other model."""
    encoder = model.text_encoder if isinstance(model, DualEncoder) else None
    tower = encoder.tower if isinstance(encoder, PromptEncoder) else None
    return tower if isinstance(tower, TextTower) else None
