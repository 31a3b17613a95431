"""Text towers of open_clip whose feature needs no token behind the one that is pooled."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, cast

import torch
from torch import Tensor, nn


class Blocks(Protocol):
    """An open_clip transformer: its blocks, over [r, n, w] where `batch_first`."""

    resblocks: Iterable[nn.Module]
    batch_first: bool

    def __call__(self, x: Tensor, *, attn_mask: Tensor) -> Tensor: ...


class CausalParts(Protocol):
    """Attributes of an open_clip text tower that its features are computed from."""

    token_embedding: nn.Embedding
    positional_embedding: Tensor
    transformer: Blocks
    attn_mask: Tensor
    ln_final: nn.Module
    text_projection: nn.Module | Tensor | None


class PlainBlock(Protocol):
    """Attributes of open_clip's ResidualAttentionBlock."""

    ln_1: nn.Module
    attn: nn.MultiheadAttention
    ls_1: nn.Module
    ln_2: nn.Module
    mlp: nn.Module
    ls_2: nn.Module


@dataclass(frozen=True, slots=True)
class Pooling:
    """Which token a tower's feature is read at: the largest id (`argmax`), or the first `eos_id` (`eos`)."""

    kind: str
    eos_id: int

    def lengths(self, tokens: Tensor) -> Tensor:
        """Number of tokens [p] up to the pooled one, that one included, of token ids [p, context]."""
        found = torch.eq(tokens, self.eos_id).int() if self.kind == "eos" else tokens
        return found.argmax(dim=-1) + 1


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


def embedded(model: nn.Module, tokens: Tensor) -> Tensor:
    """Token embeddings [r, n, w] of token ids [r, n], without positions."""
    return cast(Tensor, cast(CausalParts, text_module(model)).token_embedding(tokens))


def pooled_features(model: nn.Module, embeddings: Tensor) -> Tensor:
    """Features [r, d] at the last of the embedded tokens [r, n, w] of a causal tower.

    They are those that the tower computes over its full context for sequences pooled at token n.
    """
    tower = cast(CausalParts, text_module(model))
    count = embeddings.shape[1]
    x = embeddings + tower.positional_embedding[:count]  # [r, n, w]
    mask = tower.attn_mask[:count, :count]
    if tower.transformer.batch_first:
        *first, last = tower.transformer.resblocks
        for block in first:
            x = block(x, attn_mask=mask)
        x = _last_row(last, x, mask)  # [r, w]
    else:
        x = tower.transformer(x, attn_mask=mask)[:, -1]
    x = cast(Tensor, tower.ln_final(x))
    projection = tower.text_projection
    if projection is None:
        return x
    return cast(Tensor, projection(x) if isinstance(projection, nn.Module) else x @ projection)


def _last_row(block: nn.Module, x: Tensor, mask: Tensor) -> Tensor:
    """The last row [r, w] of a block's output over [r, n, w]; it attends to all, so no mask is needed."""
    from open_clip.transformer import ResidualAttentionBlock

    if type(block) is not ResidualAttentionBlock:
        return cast(Tensor, block(x, attn_mask=mask)[:, -1])
    plain = cast(PlainBlock, block)
    normed = plain.ln_1(x)
    attended = plain.attn(normed[:, -1:], normed, normed, need_weights=False)[0]  # [r, 1, w]
    row = x[:, -1:] + plain.ls_1(attended)
    row = row + plain.ls_2(plain.mlp(plain.ln_2(row)))
    return cast(Tensor, row[:, 0])
