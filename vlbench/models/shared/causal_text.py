"""Causal text towers of open_clip over trees of tokens: no token after the pooled one is needed."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

from vlbench.models.shared.token_tree import TokenTree

_TOKENS_A_ROW = 8
"""How many tokens are multiplied with a layer's weights together, per token row of a batch."""


_PARTS = ("token_embedding", "positional_embedding", "transformer", "attn_mask", "ln_final")
"""The attributes of an open_clip text tower that its features are computed from, besides a projection."""


def text_module(model: nn.Module) -> nn.Module:
    """The module with the text tower of an open_clip model: `text`, or the model itself."""
    text = getattr(model, "text", None)
    return text if isinstance(text, nn.Module) else model


def pooling_of(model: nn.Module) -> tuple[str, int]:
    """The token at which a tower's feature is read: the largest id (`argmax`), or the first one with an id
    (`eos`).

    The second part is that id. The first is empty for a tower of another library.
    """
    tower = text_module(model)
    prefix = "text_" if tower is model else ""
    return str(getattr(tower, f"{prefix}pool_type", "")), int(getattr(tower, f"{prefix}eos_id", -1))


def pooled_lengths(model: nn.Module, tokens: Tensor) -> Tensor:
    """The number of tokens [p] up to and including the pooled one, for token ids [p, context]."""
    kind, eos_id = pooling_of(model)
    found = torch.eq(tokens, eos_id).int() if kind == "eos" else tokens
    return found.argmax(dim=-1) + 1


def is_causal(model: nn.Module) -> bool:
    """Whether, by architecture, a text's feature depends only on the tokens up to the pooled one.

    True for causal transformers with open_clip's plain blocks that pool at the end token; False for
    bidirectional ones (SigLIP, MobileCLIP-S), for class embeddings after the padding (CoCa) and for towers of
    other libraries.
    """
    from open_clip.transformer import ResidualAttentionBlock

    tower: Any = text_module(model)
    if any(getattr(tower, name, None) is None for name in _PARTS):
        return False
    plain = all(type(block) is ResidualAttentionBlock for block in tower.transformer.resblocks)
    without_extras = getattr(tower, "cls_emb", None) is None and not getattr(tower, "use_pad_mask", False)
    return plain and without_extras and pooling_of(model)[0] in ("argmax", "eos")


def token_table(model: nn.Module) -> Tensor:
    """The embeddings [v, w] of a tower's token ids, without positions."""
    tower: Any = text_module(model)
    table: Tensor = tower.token_embedding.weight
    return table


def tree_features(model: nn.Module, table: Tensor, tree: TokenTree, *, batch_size: int) -> Tensor:
    """Features [r, d] of a tree's rows from a causal tower, with an embedding table [v, w] for its token ids.

    Tree and table are on the same device. The features are those that the tower computes over its full
    context, pooled at the last token of a row. Every product has one shape, so a row's rounding depends on
    that row alone.
    """
    tower: Any = text_module(model)
    x = table[tree.tokens] + tower.positional_embedding[tree.depths]  # [n, w]
    *first, last = tower.transformer.resblocks
    for block in first:
        x = _through(block, x, tree.levels, batch_size)
    x = _through(last, x, tree.end_levels, batch_size)  # [ends, w]
    projection = tower.text_projection
    found = []
    for rows, count in full_batches(x, batch_size):
        rows = tower.ln_final(rows)
        if projection is not None:
            rows = projection(rows) if isinstance(projection, nn.Module) else rows @ projection
        found.append(rows[:count])
    return torch.cat(found)[tree.ends]


def _through(block: Any, x: Tensor, levels: tuple[Tensor, ...], batch_size: int) -> Tensor:
    """The output [k, w] of a block at the last nodes of `levels`, from its input [n, w] at all nodes."""
    attention = block.attn
    size = batch_size * _TOKENS_A_ROW
    projected = torch.cat(
        [
            linear(block.ln_1(rows), attention.in_proj_weight, attention.in_proj_bias)[:count]
            for rows, count in full_batches(x, size)
        ]
    )
    query, key, value = torch.unflatten(projected, 1, (3, attention.num_heads, -1)).unbind(1)  # [n, h, w / h]
    found = []
    for paths, count in (batch for level in levels for batch in full_batches(level, batch_size)):
        at_nodes = scaled_dot_product_attention(
            query[paths[:, -1], :, None], key[paths].transpose(1, 2), value[paths].transpose(1, 2)
        )
        found.append(at_nodes.flatten(1)[:count])
    nodes = torch.cat([level[:, -1] for level in levels])
    states = torch.cat([torch.cat(found).to(x.dtype), x[nodes]], dim=1)  # [k, 2 w]
    answers = []
    for rows, count in full_batches(states, size):
        attended, before = torch.split(rows, x.shape[1], dim=1)
        before = before + block.ls_1(attention.out_proj(attended))
        answers.append((before + block.ls_2(block.mlp(block.ln_2(before))))[:count])
    return torch.cat(answers)


def full_batches(rows: Tensor, size: int) -> Iterator[tuple[Tensor, int]]:
    """Split rows [n, ...] into batches of exactly `size`, padded with the first row.

    Yields each with its own row count.
    """
    for batch in torch.split(rows, size):
        missing = size - len(batch)
        filled = torch.cat([batch, batch[:1].expand(missing, *batch.shape[1:])]) if missing else batch
        yield filled, len(batch)
