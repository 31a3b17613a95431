"""Text towers of open_clip whose feature needs no token behind the pooled one, over trees of tokens."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

from vlbench.adapters.token_tree import TokenTree

_TOKENS_A_ROW = 8
"""Tokens that are multiplied with a layer's weights together, for each token row of a batch."""


class Blocks(Protocol):
    """An open_clip transformer: its blocks."""

    resblocks: Iterable[nn.Module]


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

    True of causal transformers of open_clip's plain blocks that pool at the end token; False of
    bidirectional ones (SigLIP, MobileCLIP-S), of class embeddings appended behind the padding (CoCa) and of
    other libraries' towers.
    """
    from open_clip.transformer import ResidualAttentionBlock

    tower = text_module(model)
    needed = [name for name in CausalParts.__annotations__ if name != "text_projection"]
    if any(getattr(tower, name, None) is None for name in needed):
        return False
    blocks = cast(CausalParts, tower).transformer.resblocks
    plain = all(type(block) is ResidualAttentionBlock for block in blocks)
    without_extras = getattr(tower, "cls_emb", None) is None and not getattr(tower, "use_pad_mask", False)
    return plain and without_extras and pooling_of(model).kind in ("argmax", "eos")


def token_table(model: nn.Module) -> Tensor:
    """Embeddings [v, w] of a tower's token ids, without positions."""
    return cast(CausalParts, text_module(model)).token_embedding.weight


def tree_features(model: nn.Module, table: Tensor, tree: TokenTree, *, batch_size: int) -> Tensor:
    """Features [r, d] of a tree's rows by a causal tower, from an embedding table [v, w] of its token ids.

    They are those that the tower computes over its full context for rows pooled at their last token.
    Every product runs at one shape, so that a row's rounding depends on that row alone.
    """
    tower = cast(CausalParts, text_module(model))
    device = table.device
    levels = [level.to(device) for level in tree.levels]
    depths = torch.cat([level.new_full((len(level),), depth) for depth, level in enumerate(levels)])
    x = table[tree.tokens.to(device)] + tower.positional_embedding[depths]  # [n, w]
    ends, which = torch.unique(tree.ends.to(device), return_inverse=True)
    *first, last = (cast(PlainBlock, block) for block in tower.transformer.resblocks)
    for block in first:
        x = _through(block, x, levels, batch_size)
    at_ends = [level[torch.isin(level[:, -1], ends)] for level in levels]
    x = _through(last, x, at_ends, batch_size)  # [ends, w]
    projection = tower.text_projection

    def project(rows: Tensor) -> Tensor:
        rows = cast(Tensor, tower.ln_final(rows))
        if projection is None:
            return rows
        return cast(Tensor, projection(rows) if isinstance(projection, nn.Module) else rows @ projection)

    return _by_batches(project, x, batch_size)[which]


def _through(block: PlainBlock, x: Tensor, levels: list[Tensor], batch_size: int) -> Tensor:
    """A block's output [k, w] at the last nodes of `levels`, from its input [n, w] at all nodes."""
    attention = block.attn
    size = batch_size * _TOKENS_A_ROW

    def project(rows: Tensor) -> Tensor:
        return linear(block.ln_1(rows), attention.in_proj_weight, attention.in_proj_bias)

    def rest(rows: Tensor) -> Tensor:
        attended, before = torch.split(rows, x.shape[1], dim=1)
        before = before + block.ls_1(attention.out_proj(attended))
        return cast(Tensor, before + block.ls_2(block.mlp(block.ln_2(before))))

    heads = attention.num_heads
    query, key, value = torch.unflatten(_by_batches(project, x, size), 1, (3, heads, -1)).unbind(
        1
    )  # [n, h, w / h]

    def attend(paths: Tensor) -> Tensor:
        found = scaled_dot_product_attention(
            query[paths[:, -1], :, None], key[paths].transpose(1, 2), value[paths].transpose(1, 2)
        )
        return found.flatten(1)

    attended = torch.cat([_by_batches(attend, level, batch_size) for level in levels if len(level)])  # [k, w]
    nodes = torch.cat([level[:, -1] for level in levels])
    return _by_batches(rest, torch.cat([attended.to(x.dtype), x[nodes]], dim=1), size)


def _by_batches(function: Callable[[Tensor], Tensor], rows: Tensor, size: int) -> Tensor:
    """A function of rows [n, ...] in batches of exactly `size`, the last filled up with its first row."""
    answers = []
    for batch in torch.split(rows, size):
        missing = size - len(batch)
        filled = torch.cat([batch, batch[:1].expand(missing, *batch.shape[1:])]) if missing else batch
        answers.append(function(filled)[: len(batch)])
    return torch.cat(answers)
