"""The candidates' vectors, for what reads no score: a clustering."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from vlbench.core.capabilities import VECTORS
from vlbench.core.problem import Problem
from vlbench.core.scoring import ScorePass, Scoring


def keep_features(blocks: ScorePass, problem: Problem) -> Mapping[str, NDArray[Any]]:
    """The vectors of the candidates, [n, d], of the length that the model gives them."""
    return {"vectors": blocks.vectors()}


features = Scoring(
    "features", keep_features, keeps=frozenset({"vectors"}), needs=frozenset({VECTORS}), scores=False
)
