"""The text side of open_clip models: prompts in batches of one length, averaged into a text's feature."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from vlbench.adapters.dual_encoder import mean_of_groups, unit
from vlbench.adapters.precision import inference
from vlbench.core.contracts import Placement, Text

Tokenizer = Callable[[list[str]], Tensor]
"""Turns prompts into token ids [p, context]."""

_CUT_TOLERANCE = 1e-4
_TOKENISED_AT_ONCE = 4096
_CHECKED = ("a photo of a dog.", "two")
"""Prompts of different lengths on which a cut context is compared with the full one."""


class CausalParts(Protocol):
    """Attributes of an open_clip text tower that its features are computed from."""

    token_embedding: nn.Embedding
    positional_embedding: Tensor
    transformer: nn.Module
    attn_mask: Tensor
    ln_final: nn.Module
    text_projection: nn.Module | Tensor | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Tokens [r, length] of prompts of one length, filled up with the first; `rows` are their places."""

    tokens: Tensor
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pooling:
    """Which token a tower's feature is read at: the largest id (`argmax`), or the first `eos_id` (`eos`)."""

    kind: str
    eos_id: int

    def lengths(self, tokens: Tensor) -> Tensor:
        """Number of tokens [p] up to the pooled one, that one included."""
        found = torch.eq(tokens, self.eos_id).int() if self.kind == "eos" else tokens
        return found.argmax(dim=-1) + 1


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
        """Features [r, d] at the last of the tokens [r, n]: what a causal tower pools there."""
        tower = cast(CausalParts, text_module(self.model))
        count = tokens.shape[1]
        x = tower.token_embedding(tokens.to(self.placement.device))  # [r, n, w]
        x = x + tower.positional_embedding[:count]
        x = tower.transformer(x, attn_mask=tower.attn_mask[:count, :count])
        pooled = tower.ln_final(x[:, -1])  # [r, w]
        projection = tower.text_projection
        if projection is None:
            return cast(Tensor, pooled)
        return cast(Tensor, projection(pooled) if isinstance(projection, nn.Module) else pooled @ projection)


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


def text_module(model: nn.Module) -> nn.Module:
    """Where an open_clip model keeps its text tower: under `text`, or in itself."""
    text = getattr(model, "text", None)
    return text if isinstance(text, nn.Module) else model


def pooling_of(model: nn.Module) -> Pooling:
    """How an open_clip model pools its text tokens; of no kind where it is another library's tower."""
    tower = text_module(model)
    prefix = "text_" if tower is model else ""
    eos_id = int(getattr(tower, f"{prefix}eos_id", -1))
    return Pooling(kind=str(getattr(tower, f"{prefix}pool_type", "")), eos_id=eos_id)


def is_causal(model: nn.Module) -> bool:
    """Whether a text's feature depends on the tokens up to the pooled one alone, by architecture.

    True of causal transformers that pool at the end token; False of bidirectional ones (SigLIP,
    MobileCLIP), of class embeddings appended behind the padding (CoCa) and of other libraries' towers.
    """
    tower = text_module(model)
    needed = [name for name in CausalParts.__annotations__ if name != "text_projection"]
    plain = getattr(tower, "cls_emb", None) is None and not getattr(tower, "use_pad_mask", False)
    has_all = all(getattr(tower, name, None) is not None for name in needed)
    return has_all and plain and pooling_of(model).kind in ("argmax", "eos")
