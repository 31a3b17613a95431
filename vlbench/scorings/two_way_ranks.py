"""Ranks in both directions, without holding the score matrix."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vlbench.core.errors import Unrepeatable
from vlbench.core.problem import Problem
from vlbench.core.scoring import Axis, ScorePass, Scoring
from vlbench.scorings.row_ranks import BEST_KEPT, block_row_ranks

if TYPE_CHECKING:  # torch is imported as a scoring runs, so that tasks are planned without it
    from torch import Tensor

_MOST_PLACES = 2**32 - 1
_UNASKED = int(np.array([-np.inf], dtype=np.float32).view(np.int32)[0]) ^ 0x7FFFFFFF
"""The score -inf among the numbers that sort like scores."""


def keep_two_way_ranks(blocks: ScorePass, problem: Problem) -> Mapping[str, NDArray[Any]]:
    """Keep the rank of every image's best right text [n] and of every text's best right image [m].

    `best_queries` [n, k] and `best_candidates` [m, k] are the indices of the highest scores of each image and
    of each text, in descending order; of equal scores the lower index comes first. -1 fills up where fewer
    are asked about.

    Two passes compute the same blocks: the first finds the scores of the right pairs and the row ranks, the
    second counts in each column the scores that reach the best right one.

    >>> from vlbench.core.small_problem import small_problem
    >>> from vlbench.engine.scoring import stored_scores
    >>> problem = small_problem([[1, 0], [0, 1]])
    >>> blocks = stored_scores(np.array([[0.9, 0.1], [0.6, 0.4]], dtype=np.float32), problem)
    >>> kept = keep_two_way_ranks(blocks, problem)
    >>> kept["row_ranks"].tolist(), kept["column_ranks"].tolist()
    ([1, 2], [1, 1])
    >>> kept["best_queries"].tolist(), kept["best_candidates"].tolist()
    ([[0, 1], [0, 1]], [[0, 1], [1, 0]])
    """
    import torch

    n, m = problem.relevant.shape
    relevant = blocks.arranged(problem.relevant)
    row_ranks = np.zeros(n, dtype=np.int64)
    pair_scores = np.empty(len(relevant.candidates), dtype=np.float32)
    own = np.argsort(blocks.restored(np.arange(n)))  # the candidate at each place of the blocks
    best_queries = np.empty((n, min(BEST_KEPT, m)), dtype=np.int64)
    highest = torch.empty((0, m), dtype=torch.int64, device=blocks.device)
    kept: Tensor | None = None
    for start, stop, block in blocks:
        numbers, columns = _ordered(block), torch.arange(m, device=block.device)
        numbers -= columns  # in place: fresh memory for each block takes as long as the rest
        best_queries[start:stop] = _places(numbers.topk(min(BEST_KEPT, m), dim=1).values)
        numbers += columns
        numbers -= torch.from_numpy(own[start:stop]).to(block.device)[:, None]
        highest = _with_highest(highest, numbers)
        span = relevant.span(start, stop)
        row_ranks[start:stop], pair_scores[span] = block_row_ranks(block, relevant, start, span)
        kept = block if blocks.single else None
    best = np.full(m, -np.inf, dtype=np.float32)
    np.maximum.at(best, relevant.queries, pair_scores)
    threshold = torch.from_numpy(best).to(blocks.device)
    reached = torch.zeros(m, dtype=torch.int64, device=blocks.device)
    for block in [kept] if kept is not None else (block for _, _, block in blocks):
        reached += torch.count_nonzero(block >= threshold, dim=0)
    right = np.bincount(relevant.queries[pair_scores >= best[relevant.queries]], minlength=m)
    column_ranks = reached.cpu().numpy() - right + 1
    unasked = relevant.column_counts == 0
    changed = int(np.count_nonzero(column_ranks[~unasked] < 1))
    if changed:
        raise Unrepeatable(
            f"{changed} texts score otherwise when their images are scored again; a model's score must be a "
            "function of the two features alone"
        )
    column_ranks[unasked] = 0
    return {
        "row_ranks": blocks.restored(row_ranks),
        "column_ranks": column_ranks,
        "best_queries": blocks.restored(best_queries),
        "best_candidates": _places(highest.T),
    }


def _ordered(block: "Tensor") -> "Tensor":
    """Numbers that sort as the scores [rows, m], with room below for a place to be taken off."""
    import torch

    bits = (block.float() + 0.0).contiguous().view(torch.int32)  # -0.0 is 0.0
    bits ^= (bits >> 31) & 0x7FFFFFFF
    numbers = bits.to(torch.int64)
    numbers <<= 32
    numbers += _MOST_PLACES
    return numbers


def _with_highest(highest: "Tensor", numbers: "Tensor") -> "Tensor":
    """The highest numbers [k, m] of each column, of those so far and of a block [rows, m]."""
    import torch

    if len(highest) < BEST_KEPT:
        both = torch.cat([highest, numbers])
        return both.topk(min(BEST_KEPT, len(both)), dim=0).values
    moved = torch.nonzero(numbers.amax(dim=0) > highest[-1]).flatten()
    both = torch.cat([highest[:, moved], numbers[:, moved]])
    highest[:, moved] = both.topk(BEST_KEPT, dim=0).values
    return highest


def _places(numbers: "Tensor") -> NDArray[np.int64]:
    """The places in numbers of `_ordered`; -1 for the score -inf of what is not asked about."""
    found: NDArray[np.int64] = numbers.cpu().numpy()
    return np.where(found >> 32 == _UNASKED, -1, _MOST_PLACES - (found & _MOST_PLACES))


_AXES: Mapping[str, Axis] = {
    "row_ranks": "candidates",
    "column_ranks": "queries",
    "best_queries": "candidates",
    "best_candidates": "queries",
}

two_way_ranks = Scoring("two_way_ranks", keep_two_way_ranks, keeps=frozenset(_AXES), axes=_AXES)
