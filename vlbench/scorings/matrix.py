"""The whole matrix of scores."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlbench.core.problem import Problem
from vlbench.core.scoring import ScorePass, Scoring


def keep_matrix(blocks: ScorePass, problem: Problem) -> Mapping[str, NDArray[Any]]:
    """All scores, [n, m]; NaN where a pair is not asked about: it has none, rather than the lowest."""
    scores = np.empty(problem.relevant.shape, dtype=np.float32)
    for start, stop, block in blocks:
        scores[start:stop] = block.float().cpu().numpy()
    if problem.asked is not None:
        scores[np.isneginf(scores)] = np.nan
    return {"scores": blocks.restored(scores)}


matrix = Scoring("matrix", keep_matrix, keeps=frozenset({"scores"}), asked_alone=False)
