"""The text side of open_clip models: prompts in batches of one length, averaged into a text's feature."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import cast

import torch
from torch import Tensor, nn

from vlbench.adapters.causal_text import embedded, is_causal, pooled_features, pooling_of
from vlbench.adapters.dual_encoder import mean_of_groups, unit
from vlbench.adapters.precision import inference
from vlbench.core.contracts import Placement, Text

Tokenizer = Callable[[list[str]], Tensor]
"""Turns prompts into token ids [p, context]."""

_CUT_TOLERANCE = 1e-4
_TOKENISED_AT_ONCE = 4096
_CHECKED = ("a photo of a dog.", "two")
"""Prompts of different lengths on which a cut context is compared with the full one."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Tokens [r, length] of prompts of one length, filled up with the first; `rows` are their places."""

    tokens: Tensor
    rows: tuple[int, ...]


@dataclass(frozen=True)  # no slots: cached_property
class TextTower:
    """Features [r, dimensions] of token ids by an open_clip model, over the context that they need."""

    model: nn.Module
    tokenizer: Tokenizer
    placement: Placement
    dimensions: int

    @cached_property
    def cuts_context(self) -> bool:
        """Whether tokens behind the pooled one can be left out: by architecture, and by a trial."""
        if not is_causal(self.model):
            return False
        tokens = self.tokenizer(list(_CHECKED))
        with inference(Placement(self.placement.device)):
            full = unit(self._full(tokens))
            lengths = pooling_of(self.model).lengths(tokens).tolist()
            cut = [unit(self._cut(row[None, :length])) for row, length in zip(tokens, lengths, strict=True)]
        return bool((torch.cat(cut) - full).abs().max() <= _CUT_TOLERANCE)

    def features(self, tokens: Tensor) -> Tensor:
        """Unit features [r, d] of token ids [r, length] as `batches` makes them."""
        with inference(self.placement):
            features = self._cut(tokens) if self.cuts_context else self._full(tokens)
        with inference(Placement(self.placement.device)):
            return unit(features.float())

    def batches(self, tokens: Tensor, *, batch_size: int) -> Iterator[Batch]:
        """Batches of exactly `batch_size` rows and one length each, shortest first."""
        if self.cuts_context:
            lengths = pooling_of(self.model).lengths(tokens).tolist()
        else:
            lengths = [tokens.shape[1]] * len(tokens)
        order = sorted(range(len(tokens)), key=lengths.__getitem__)  # stable
        for length, of_length in groupby(order, key=lengths.__getitem__):
            same = list(of_length)
            for start in range(0, len(same), batch_size):
                rows = same[start : start + batch_size]
                filled = rows + rows[:1] * (batch_size - len(rows))
                yield Batch(tokens=tokens[filled, :length], rows=tuple(rows))

    def _full(self, tokens: Tensor) -> Tensor:
        encode = cast(Callable[[Tensor], Tensor], self.model.encode_text)
        return encode(tokens.to(self.placement.device))

    def _cut(self, tokens: Tensor) -> Tensor:
        return pooled_features(self.model, embedded(self.model, tokens.to(self.placement.device)))


@dataclass(frozen=True, slots=True)
class PromptEncoder:
    """A TextEncoder of dual_encoder.py: the unit mean of a text's unit prompt features.

    The rule of zero-shot classifiers: normalise each prompt, average, normalise (Radford et al. 2021,
    section 3.1.4; open_clip/zero_shot_classifier.py).
    """

    tower: TextTower

    def __call__(self, texts: Sequence[Text], *, batch_size: int) -> Tensor:
        places: dict[str, int] = {}
        groups = [
            [places.setdefault(prompt, len(places)) for prompt in text.prompts or (text.name,)]
            for text in texts
        ]
        features = self._prompt_features(list(places), batch_size=batch_size)  # [p, d]
        with inference(Placement(self.tower.placement.device)):
            return mean_of_groups(features, groups)

    def _prompt_features(self, prompts: Sequence[str], *, batch_size: int) -> Tensor:
        tokens = tokenised(self.tower.tokenizer, prompts)
        found = torch.empty(len(prompts), self.tower.dimensions, device=self.tower.placement.device)
        for batch in self.tower.batches(tokens, batch_size=batch_size):
            found[list(batch.rows)] = self.tower.features(batch.tokens)[: len(batch.rows)]
        return found  # [p, d]


def tokenised(tokenizer: Tokenizer, prompts: Sequence[str]) -> Tensor:
    """Token ids [p, context] of prompts, a few thousand at a time."""
    starts = range(0, max(len(prompts), 1), _TOKENISED_AT_ONCE)
    return torch.cat([tokenizer(list(prompts[start : start + _TOKENISED_AT_ONCE])) for start in starts])
