"""The candidates' vectors, for metrics that read no scores, such as those of clustering."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from vlbench.core.capabilities import VECTORS
from vlbench.core.problem import Problem
from vlbench.core.scoring import ScorePass, Scoring


def keep_features(blocks: ScorePass, problem: Problem) -> Mapping[str, NDArray[Any]]:
    """Keep the vectors of the candidates, [n, d], not normalised.

    >>> from dataclasses import replace
    >>> import numpy as np
    >>> from vlbench.core.small_problem import small_problem
    >>> from vlbench.engine.scoring import stored_scores
    >>> problem, vectors = small_problem([[1, 0], [0, 1]]), np.array([[3, 4], [1, 0]], dtype=np.float32)
    >>> blocks = replace(stored_scores(vectors, problem), vectors=lambda: vectors)
    >>> keep_features(blocks, problem)["vectors"].tolist()
    [[3.0, 4.0], [1.0, 0.0]]
    """
    return {"vectors": blocks.vectors()}


features = Scoring(
    "features", keep_features, keeps=frozenset({"vectors"}), needs=frozenset({VECTORS}), scores=False
)
