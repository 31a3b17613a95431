"""Each query's right candidates and how many wrong ones score as high, without holding the score matrix."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vlbench.core.errors import Unrepeatable
from vlbench.core.problem import Problem
from vlbench.core.relevance import Relevance
from vlbench.core.scoring import ScorePass, Scoring
from vlbench.scorings.asked_pairs import Indices, best_ranks, reaching

if TYPE_CHECKING:  # torch is imported as a scoring runs, so that tasks are planned without it
    from torch import Tensor


def keep_columns(blocks: ScorePass, problem: Problem) -> Mapping[str, NDArray[Any]]:
    """Keep how many wrong candidates reach each right pair, and the best right rank of each query.

    `wrong_above` [r] counts, for each right pair in the order of the problem, the asked wrong candidates of
    its query that score at least as high. `column_ranks` [m] is 0 where nothing is right. Two passes compute
    the same blocks: the first finds the scores of the right pairs, the second counts.

    >>> from vlbench.core.small_problem import small_problem
    >>> from vlbench.engine.scoring import stored_scores
    >>> problem = small_problem([[1, 0], [0, 1]])
    >>> blocks = stored_scores(np.array([[0.9, 0.1], [0.6, 0.4]], dtype=np.float32), problem)
    >>> {name: values.tolist() for name, values in keep_columns(blocks, problem).items()}
    {'column_ranks': [1, 1], 'wrong_above': [0, 0]}
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
    queries = torch.from_numpy(relevant.queries).to(blocks.device)
    bounds = torch.from_numpy(scores).to(blocks.device)
    reached = torch.zeros(len(scores), dtype=torch.int64, device=blocks.device)
    for block in [kept] if kept is not None else (block for _, _, block in blocks):
        # as many right pairs at a time as there are queries, so that no more than a block is held beside it
        for start in range(0, len(scores), max(1, block.shape[1])):
            some = slice(start, start + block.shape[1])
            found = block.index_select(1, queries[some]) >= bounds[some]
            reached[some] += torch.count_nonzero(found, dim=0)
    above = reached.cpu().numpy() - reaching(relevant.queries, scores, relevant.queries, scores)
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


def _places(blocks: ScorePass, relevant: Relevance) -> Indices:
    """The position of each right pair after the candidates are brought into the blocks' order, [r]."""
    places = blocks.restored(np.arange(relevant.shape[0]))
    order = np.lexsort((relevant.queries, places[relevant.candidates]))
    found = np.empty_like(order)
    found[order] = np.arange(len(order))
    return found


columns = Scoring(
    "columns",
    keep_columns,
    keeps=frozenset({"column_ranks", "wrong_above"}),
    axes={"column_ranks": "queries", "wrong_above": "right"},
)
