"""For each image: the ranks of its right texts, its best texts, and the sums of a softmax."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vlbench.core.problem import Problem
from vlbench.core.relevance import Relevance
from vlbench.core.scoring import ScorePass, Scoring

if TYPE_CHECKING:  # torch is imported as a scoring runs, so that tasks are planned without it
    from torch import Tensor

BEST_KEPT = 5
"""How many best texts are kept for each image."""

Ranks = NDArray[np.int64]


def keep_row_ranks(blocks: ScorePass, problem: Problem) -> Mapping[str, NDArray[Any]]:
    """Keep the rank of every image's best right text, its best texts, and three numbers of a softmax.

    `best` [n, k] are the indices of each image's highest scores, `best_scores` [n, k] these scores, in
    descending order. `right_scores` [n] is the score of each image's best right text. `log_sums` [n] is the
    logarithm of the sum of exp(score - best score) over all texts, `log_square_sums` [n] that of exp(2 (score
    - best score)).

    >>> from vlbench.core.small_problem import small_problem
    >>> from vlbench.engine.scoring import stored_scores
    >>> problem = small_problem([[1, 0], [0, 1]])
    >>> blocks = stored_scores(np.array([[0.9, 0.1], [0.6, 0.4]], dtype=np.float32), problem)
    >>> kept = keep_row_ranks(blocks, problem)
    >>> kept["row_ranks"].tolist(), kept["best"].tolist()
    ([1, 2], [[0, 1], [0, 1]])
    """
    import torch

    n, m = problem.relevant.shape
    relevant = blocks.arranged(problem.relevant)
    kept = min(BEST_KEPT, m)
    ranks = np.zeros(n, dtype=np.int64)
    best = np.zeros((n, kept), dtype=np.int64)
    best_scores = np.zeros((n, kept), dtype=np.float32)
    right_scores = np.full(n, -np.inf, dtype=np.float32)
    sums = np.zeros((2, n), dtype=np.float32)
    for start, stop, block in blocks:
        span = relevant.span(start, stop)
        ranks[start:stop], pairs = block_row_ranks(block, relevant, start, span)
        np.maximum.at(right_scores, relevant.candidates[span], pairs)
        top = torch.topk(block, kept, dim=1)
        below = block.float() - top.values[:, :1].float()
        for power, row in enumerate(sums, start=1):
            row[start:stop] = torch.logsumexp(power * below, dim=1).cpu().numpy()
        best[start:stop] = top.indices.cpu().numpy()
        best_scores[start:stop] = top.values.cpu().numpy()
    found = {
        "row_ranks": ranks,
        "best": best,
        "best_scores": best_scores,
        "right_scores": right_scores,
        "log_sums": sums[0],
        "log_square_sums": sums[1],
    }
    return {name: blocks.restored(values) for name, values in found.items()}


def block_row_ranks(
    block: "Tensor", relevant: Relevance, start: int, span: slice
) -> tuple[Ranks, NDArray[np.float32]]:
    """Ranks of the images of a block, [rows], 0 without a right text, and the scores of its right pairs."""
    import torch

    rows = torch.from_numpy(relevant.candidates[span] - start).to(block.device)
    columns = torch.from_numpy(relevant.queries[span]).to(block.device)
    pairs = block[rows, columns]
    best = torch.full((block.shape[0],), -torch.inf, device=block.device, dtype=block.dtype)
    best.scatter_reduce_(0, rows, pairs, reduce="amax")
    reached = torch.count_nonzero(block >= best[:, None], dim=1)
    right = torch.zeros_like(reached).scatter_add_(0, rows, (pairs >= best[rows]).to(reached.dtype))
    ranks = reached - right + 1
    ranks[torch.isinf(best)] = 0
    return ranks.cpu().numpy(), pairs.float().cpu().numpy()


row_ranks = Scoring(
    "row_ranks",
    keep_row_ranks,
    keeps=frozenset({"row_ranks", "best", "best_scores", "right_scores", "log_sums", "log_square_sums"}),
)
