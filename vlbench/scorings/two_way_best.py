"""The scoring `two_way_best`: what scores highest, in both directions."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vlbench.core.problem import Problem
from vlbench.core.scoring import ScorePass, Scoring
from vlbench.scorings.row_ranks import BEST_KEPT

if TYPE_CHECKING:  # torch is imported as a scoring runs, so that tasks are planned without it
    from torch import Tensor

_MOST_PLACES = 2**32 - 1
_UNASKED = int(np.array([-np.inf], dtype=np.float32).view(np.int32)[0]) ^ 0x7FFFFFFF
"""The score -inf among the numbers that sort like scores."""


def keep_two_way_best(blocks: ScorePass, problem: Problem) -> Mapping[str, NDArray[Any]]:
    """Keep the indices of the highest scores of each candidate and of each query, in descending order.

    `best_queries` [n, k] are those of each candidate, `best_candidates` [m, k] those of each query; of equal
    scores the lower index comes first. -1 fills up where fewer are asked about.

    >>> from vlbench.core.small_problem import small_problem
    >>> from vlbench.engine.scoring import stored_scores
    >>> problem = small_problem([[1, 0], [0, 1]])
    >>> blocks = stored_scores(np.array([[0.9, 0.1], [0.6, 0.4]], dtype=np.float32), problem)
    >>> kept = keep_two_way_best(blocks, problem)
    >>> kept["best_queries"].tolist(), kept["best_candidates"].tolist()
    ([[0, 1], [0, 1]], [[0, 1], [1, 0]])
    """
    import torch

    n, m = problem.relevant.shape
    own = np.argsort(blocks.restored(np.arange(n)))  # the candidate at each place of the blocks
    columns = torch.arange(m, device=blocks.device)
    best_queries = np.empty((n, min(BEST_KEPT, m)), dtype=np.int64)
    highest = torch.empty((0, m), dtype=torch.int64, device=blocks.device)
    for start, stop, block in blocks:
        rows = torch.from_numpy(own[start:stop]).to(block.device)
        best_queries[start:stop] = _places(_ordered(block, columns).topk(min(BEST_KEPT, m), dim=1).values)
        highest = torch.cat([highest, _ordered(block, rows[:, None])])
        highest = highest.topk(min(BEST_KEPT, len(highest)), dim=0).values
    return {"best_queries": blocks.restored(best_queries), "best_candidates": _places(highest.T)}


def _ordered(block: "Tensor", places: "Tensor") -> "Tensor":
    """A number for each score [rows, m] of a place: it sorts by score, and equal ones by the lower place."""
    import torch

    bits = (block.float() + 0.0).contiguous().view(torch.int32).to(torch.int64)  # -0.0 is 0.0
    ascending = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
    return (ascending << 32) + (_MOST_PLACES - places)


def _places(numbers: "Tensor") -> NDArray[np.int64]:
    """The places in numbers of `_ordered`; -1 for the score -inf of what is not asked about."""
    found: NDArray[np.int64] = numbers.cpu().numpy()
    return np.where(found >> 32 == _UNASKED, -1, _MOST_PLACES - (found & _MOST_PLACES))


two_way_best = Scoring(
    "two_way_best",
    keep_two_way_best,
    keeps=frozenset({"best_queries", "best_candidates"}),
    axes={"best_queries": "candidates", "best_candidates": "queries"},
)
