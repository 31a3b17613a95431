"""Ranks in both directions, without holding the score matrix."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vlbench.core.errors import Unrepeatable
from vlbench.core.problem import Problem
from vlbench.core.scoring import ScorePass, Scoring
from vlbench.scorings.row_ranks import block_row_ranks

if TYPE_CHECKING:  # torch is imported as a scoring runs, so that tasks are planned without it
    from torch import Tensor


def keep_two_way_ranks(blocks: ScorePass, problem: Problem) -> Mapping[str, NDArray[Any]]:
    """Keep the rank of every image's best right text [n] and of every text's best right image [m].

    Two passes compute the same blocks: the first finds the scores of the right pairs and the row ranks, the
    second counts in each column the scores that reach the best right one.

    >>> from vlbench.core.small_problem import small_problem
    >>> from vlbench.engine.scoring import stored_scores
    >>> problem = small_problem([[1, 0], [0, 1]])
    >>> blocks = stored_scores(np.array([[0.9, 0.1], [0.6, 0.4]], dtype=np.float32), problem)
    >>> {name: values.tolist() for name, values in keep_two_way_ranks(blocks, problem).items()}
    {'row_ranks': [1, 2], 'column_ranks': [1, 1]}
    """
    import torch

    n, m = problem.relevant.shape
    relevant = blocks.arranged(problem.relevant)
    row_ranks = np.zeros(n, dtype=np.int64)
    pair_scores = np.empty(len(relevant.candidates), dtype=np.float32)
    kept: Tensor | None = None
    for start, stop, block in blocks:
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
    return {"row_ranks": blocks.restored(row_ranks), "column_ranks": column_ranks}


two_way_ranks = Scoring(
    "two_way_ranks",
    keep_two_way_ranks,
    keeps=frozenset({"row_ranks", "column_ranks"}),
    listed_by="two_way_best",
)
