"""Token rows as a tree: a prefix that several rows begin with is one node, computed once for all of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

ROWS_OF_A_BATCH = 32
"""A tree is made of at most this many batches of token rows, which bounds its memory."""


@dataclass(frozen=True, slots=True)
class TokenTree:
    """Nodes of token rows, ordered by depth.

    `tokens` [n] are the nodes' token ids; `levels[t]` [n_t, t + 1] are the nodes from the first token to
    each node of depth t, itself the last; `ends` [r] is the node at which each row ends; `rows` [r] are
    the rows' places among those that the tree was planted from.
    """

    tokens: Tensor
    levels: tuple[Tensor, ...]
    ends: Tensor
    rows: Tensor


def plant(tokens: Tensor, lengths: Tensor, *, batch_size: int) -> Iterator[TokenTree]:
    """Trees of token ids [p, context], of which the first `lengths` [p] count; rows that begin alike meet.

    Each tree holds at most `batch_size` x ROWS_OF_A_BATCH rows.
    """
    beyond = torch.arange(tokens.shape[1]) >= lengths[:, None]
    shown = tokens.masked_fill(beyond, -1)  # [p, context]
    order = torch.unique(shown, dim=0, return_inverse=True)[1].argsort(stable=True)
    for rows in order.split(batch_size * ROWS_OF_A_BATCH):
        yield _tree(tokens[rows], lengths[rows], rows)


def _tree(tokens: Tensor, lengths: Tensor, rows: Tensor) -> TokenTree:
    at = torch.zeros(len(rows), dtype=torch.long)  # the node that each row has reached
    ids, levels = [], []
    path = torch.empty(1, 0, dtype=torch.long)
    first, above = 0, 0  # numbers of the first nodes of this depth and of the one above
    width = int(tokens.max()) + 1
    for depth in range(int(lengths.max())):
        alive = lengths > depth
        branch = (at[alive] - above) * width + tokens[alive, depth].long()
        found, which = torch.unique(branch, return_inverse=True)
        nodes = torch.arange(first, first + len(found))
        path = torch.cat([path[found // width], nodes[:, None]], dim=1)
        ids.append(found % width)
        levels.append(path)
        at[alive] = first + which
        above, first = first, first + len(found)
    return TokenTree(tokens=torch.cat(ids), levels=tuple(levels), ends=at, rows=rows)
