"""The text side of open_clip models: prompts that share their beginnings, averaged into a text's feature."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import cast

import torch
from torch import Tensor, nn

from vlbench.adapters.causal_text import is_causal, pooling_of, token_table, tree_features
from vlbench.adapters.dual_encoder import mean_of_groups, unit, unit_in_blocks
from vlbench.adapters.precision import inference
from vlbench.adapters.sentence_tokens import Tokenizer, digests, longest, token_counts, tokenised, too_long
from vlbench.adapters.token_tree import plant
from vlbench.core.contracts import Placement, Text

_TREE_TOLERANCE = 1e-4
_CHECKED = ("a photo of a dog.", "two", "a photo")
"""Prompts of different lengths and a shared beginning, on which trees are compared with the full context."""


@dataclass(frozen=True)  # no slots: cached_property
class TextTower:
    """Unit features [p, dimensions] of token ids by an open_clip model, reading no more than they need."""

    model: nn.Module
    tokenizer: Tokenizer
    placement: Placement
    dimensions: int

    @cached_property
    def reads_trees(self) -> bool:
        """Whether tokens behind the pooled one can be left out: by architecture, and by a trial."""
        if not is_causal(self.model):
            return False
        tokens = self.tokenizer(list(_CHECKED))
        with inference(Placement(self.placement.device)):
            full = unit(self._full(tokens))
            lengths = pooling_of(self.model).lengths(tokens)
            table = token_table(self.model)
            from_trees = unit(self._by_trees(table, tokens, lengths, batch_size=len(_CHECKED)))
        return bool((from_trees - full).abs().max() <= _TREE_TOLERANCE)

    def features(self, tokens: Tensor, *, batch_size: int) -> Tensor:
        """Unit features [p, d] of token ids [p, context]; a row's rounding depends on that row alone."""
        if self.reads_trees:
            lengths = pooling_of(self.model).lengths(tokens)
            return self.table_features(token_table(self.model), tokens, lengths, batch_size=batch_size)
        with inference(self.placement):
            found = torch.cat([self._filled(rows, batch_size) for rows in torch.split(tokens, batch_size)])
        with inference(Placement(self.placement.device)):
            return unit_in_blocks(found.float())

    def table_features(self, table: Tensor, tokens: Tensor, lengths: Tensor, *, batch_size: int) -> Tensor:
        """Unit features [p, d] of token ids [p, context] that are rows of a table [v, w] of embeddings.

        The first `lengths` [p] tokens count, the last of them is pooled. For a tower that reads trees.
        """
        with inference(self.placement):
            found = self._by_trees(table, tokens, lengths, batch_size=batch_size)
        with inference(Placement(self.placement.device)):
            return unit_in_blocks(found.float())

    def _full(self, tokens: Tensor) -> Tensor:
        encode = cast(Callable[[Tensor], Tensor], self.model.encode_text)
        return encode(tokens.to(self.placement.device))

    def _filled(self, tokens: Tensor, size: int) -> Tensor:
        missing = tokens[:1].expand(size - len(tokens), -1)
        return self._full(torch.cat([tokens, missing]))[: len(tokens)]

    def _by_trees(self, table: Tensor, tokens: Tensor, lengths: Tensor, *, batch_size: int) -> Tensor:
        found = torch.empty(len(tokens), self.dimensions, device=table.device)
        for tree in plant(tokens, lengths, batch_size=batch_size):
            found[tree.rows.to(table.device)] = tree_features(
                self.model, table, tree, batch_size=batch_size
            ).float()
        return found


@dataclass(frozen=True, slots=True)
class PromptEncoder:
    """A TextEncoder of dual_encoder.py: the unit mean of the unit features of a text's sentences.

    These are its prompts, else its descriptions, else its name.

    The rule of zero-shot classifiers: normalise each prompt, average, normalise (Radford et al. 2021,
    section 3.1.4; open_clip/zero_shot_classifier.py).
    """

    tower: TextTower

    def __call__(self, texts: Sequence[Text], *, batch_size: int) -> Tensor:
        return mean_features(
            texts,
            lambda prompts: self._prompt_features(prompts, batch_size=batch_size),
            self.tower.placement.device,
        )

    def cut(self, texts: Sequence[Text]) -> Sequence[str]:
        """The sentences of texts that are longer than the context."""
        return too_long(self.tower.tokenizer, [each for text in texts for each in sentences_of(text)])

    def token_counts(self, texts: Sequence[Text]) -> Sequence[int]:
        """Tokens [m] of each text's longest sentence before it is cut."""
        return longest(partial(token_counts, self.tower.tokenizer), [sentences_of(text) for text in texts])

    def token_digests(self, texts: Sequence[Text]) -> Sequence[str]:
        """Digests [m] of the tokens that are read of each text's sentences."""
        return digests(self.tower.tokenizer, [sentences_of(text) for text in texts])

    def _prompt_features(self, prompts: Sequence[str], *, batch_size: int) -> Tensor:
        tokens = tokenised(self.tower.tokenizer, prompts)
        return self.tower.features(tokens, batch_size=batch_size)  # [p, d]


def mean_features(
    texts: Sequence[Text], features_of: Callable[[Sequence[str]], Tensor], device: str
) -> Tensor:
    """The rule of PromptEncoder [m, d], by unit features [p, d] of sentences; each is encoded once."""
    places: dict[str, int] = {}
    groups = [[places.setdefault(sentence, len(places)) for sentence in sentences_of(text)] for text in texts]
    features = features_of(list(places))
    with inference(Placement(device)):
        return mean_of_groups(features, groups)


def sentences_of(text: Text) -> tuple[str, ...]:
    """What a text is asked by: its prompts, else its descriptions, else its name."""
    return text.prompts or text.descriptions or (text.name,)
