"""Token rows as a tree: a prefix that several rows share is one node, computed once for all of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

ROWS_OF_A_BATCH = 32
"""A tree has at most this many batches of token rows, which bounds its memory."""


@dataclass(frozen=True, slots=True)
class TokenTree:
    """The nodes of token rows, ordered by depth; planned on the CPU.

    `tokens` [n] are the nodes' token ids, `depths` [n] their positions in a row. `ends` [r] is the node of
    `end_levels` at which each row ends; `rows` [r] are the indices of the rows that the tree was made from.
    `levels[t]` [n_t, t + 1] is the path from the first token to each node of depth t, including it;
    `end_levels` has the same for the nodes at which a row ends.
    """

    tokens: Tensor
    depths: Tensor
    ends: Tensor
    rows: Tensor
    levels: tuple[Tensor, ...]
    end_levels: tuple[Tensor, ...]

    def on(self, device: torch.device) -> "TokenTree":
        """The same tree on a device, with a single copy, since each copy waits for the device."""
        if device.type == "cpu":
            return self
        parts = (self.tokens, self.depths, self.ends, self.rows, *self.levels, *self.end_levels)
        moved = torch.cat([part.flatten() for part in parts]).to(device)
        pieces = torch.split(moved, [part.numel() for part in parts])
        shaped = [piece.view(part.shape) for piece, part in zip(pieces, parts, strict=True)]
        tokens, depths, ends, rows, *levels = shaped
        count = len(self.levels)
        return TokenTree(tokens, depths, ends, rows, tuple(levels[:count]), tuple(levels[count:]))


def plant(tokens: Tensor, lengths: Tensor, *, batch_size: int) -> Iterator[TokenTree]:
    """Trees of token ids [p, context], of which the first `lengths` [p] are read; equal prefixes are merged.

    Each tree has at most `batch_size` x ROWS_OF_A_BATCH rows.
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
    ends, ending = torch.unique(at, return_inverse=True)
    at_ends = [level[torch.isin(level[:, -1], ends)] for level in levels]
    return TokenTree(
        tokens=torch.cat(ids),
        depths=torch.cat([torch.full((len(level),), depth) for depth, level in enumerate(levels)]),
        ends=ending,
        rows=rows,
        levels=tuple(levels),
        end_levels=tuple(level for level in at_ends if len(level)),
    )
