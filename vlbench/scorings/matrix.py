"""The whole score matrix."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlbench.core.problem import Problem
from vlbench.core.scoring import ScorePass, Scoring


def keep_matrix(blocks: ScorePass, problem: Problem) -> Mapping[str, NDArray[Any]]:
    """Keep all scores, [n, m]; NaN where a pair is not asked about.

    >>> from vlbench.core.small_problem import small_problem
    >>> from vlbench.engine.scoring import stored_scores
    >>> problem = small_problem([[1, 0], [0, 1]])
    >>> blocks = stored_scores(np.array([[0.9, 0.1], [0.6, 0.4]], dtype=np.float32), problem)
    >>> keep_matrix(blocks, problem)["scores"]
    array([[0.9, 0.1],
           [0.6, 0.4]], dtype=float32)
    """
    scores = np.empty(problem.relevant.shape, dtype=np.float32)
    for start, stop, block in blocks:
        scores[start:stop] = block.float().cpu().numpy()
    if problem.asked is not None:
        scores[np.isneginf(scores)] = np.nan
    return {"scores": blocks.restored(scores)}


matrix = Scoring("matrix", keep_matrix, keeps=frozenset({"scores"}), asked_alone=False)
