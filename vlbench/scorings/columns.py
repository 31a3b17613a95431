"""Each query's right candidates and what stands above them, without ever holding the matrix of scores."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vlbench.core.errors import Unrepeatable
from vlbench.core.problem import Problem
from vlbench.core.relevance import Relevance
from vlbench.core.scoring import ScorePass, Scoring
from vlbench.scorings.asked_pairs import Indices, Scores, best_ranks, reaching

if TYPE_CHECKING:  # torch is imported as a scoring runs, so that tasks are planned without it
    from torch import Tensor


def keep_columns(blocks: ScorePass, problem: Problem) -> Mapping[str, NDArray[Any]]:
    """What stands above every right pair, and the rank of each query's best right candidate.

    `wrong_above` [r] counts for each right pair, in the order of the problem's, the wrong candidates of its
    query that are asked about and score at least as high; `column_ranks` [m] are 0 where nothing is right.
    Two passes compute the same blocks: the first finds the scores of the right pairs, the second counts.
    """
    import torch

    relevant = blocks.arranged(problem.relevant)
    scores = np.empty(len(relevant.candidates), dtype=np.float32)
    kept: Tensor | None = None
    for start, stop, block in blocks:
        span = relevant.span(start, stop)
        rows = torch.from_numpy(relevant.candidates[span] - start).to(block.device)
        found = block[rows, torch.from_numpy(relevant.queries[span]).to(block.device)]
        scores[span] = found.float().cpu().numpy()
        kept = block if blocks.single else None
    levels = list(_levels(relevant, scores, blocks.device))
    for block in [kept] if kept is not None else (block for _, _, block in blocks):
        for each in levels:
            each.count(block)
    reached = np.empty(len(scores), dtype=np.int64)
    for each in levels:
        reached[each.pairs] = each.reached()
    above = reached - reaching(relevant.queries, scores, relevant.queries, scores)
    changed = int(np.count_nonzero(above < 0))
    if changed:
        raise Unrepeatable(
            f"{changed} right pairs score otherwise when their candidates are scored again; a model's score "
            "must be a function of the two features alone"
        )
    return {
        "column_ranks": best_ranks(relevant.queries, above, relevant.shape[1]),
        "wrong_above": above[_places(blocks, problem.relevant)],
    }


@dataclass(frozen=True, slots=True)
class _Levels:
    """Queries [c] with about as many right pairs each, and how many scores fall between those pairs' scores.

    `pairs` are positions of right pairs, `slots` their flat places in `bounds` [c, k]: each query's right
    scores, ascending, infinity behind them. `counts` [c, k + 1] grow with every block.
    """

    queries: "Tensor"
    pairs: Indices
    slots: Indices
    bounds: "Tensor"
    counts: "Tensor"

    def count(self, block: "Tensor") -> None:
        """Add the scores of a block [rows, m]."""
        import torch

        scores = block.index_select(1, self.queries).T.float().contiguous()
        passed = torch.searchsorted(self.bounds, scores, right=True)
        self.counts.scatter_add_(1, passed, torch.ones_like(passed))

    def reached(self) -> Indices:
        """How many scores of its query are at least as high as each of `pairs`."""
        behind = self.counts.flip(1).cumsum(1).flip(1)[:, 1:]
        return behind.cpu().numpy().reshape(-1)[self.slots]


def _levels(relevant: Relevance, scores: Scores, device: str) -> Iterator[_Levels]:
    """The queries with something right by the power of two of their pairs, so that little is padded."""
    import torch

    order = np.lexsort((scores, relevant.queries))
    counts = relevant.column_counts
    first = np.cumsum(counts) - counts
    width = 1
    while width < 2 * counts.max(initial=0):
        queries = np.flatnonzero((2 * counts > width) & (counts <= width))
        inside = np.arange(width) < counts[queries, None]
        pairs = order[(first[queries, None] + np.arange(width))[inside]]
        bounds = np.full(inside.shape, np.inf, dtype=np.float32)
        bounds[inside] = scores[pairs]
        if len(queries):
            yield _Levels(
                torch.from_numpy(queries).to(device),
                pairs,
                np.flatnonzero(inside),
                torch.from_numpy(bounds).to(device),
                torch.zeros((len(queries), width + 1), dtype=torch.int64, device=device),
            )
        width *= 2


def _places(blocks: ScorePass, relevant: Relevance) -> Indices:
    """Where each right pair stands once the candidates lie in the blocks' order, [r]."""
    places = blocks.restored(np.arange(relevant.shape[0]))
    order = np.lexsort((relevant.queries, places[relevant.candidates]))
    found = np.empty_like(order)
    found[order] = np.arange(len(order))
    return found


columns = Scoring("columns", keep_columns, keeps=frozenset({"column_ranks", "wrong_above"}))
