"""Problems without images, brute-force ranks and the parity fixtures."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vlbench.core.problem import Problem
from vlbench.core.small_problem import small_problem

FIXTURES = Path(__file__).parents[2] / "fixtures" / "metrics"


@pytest.fixture
def problem_of() -> Callable[[np.ndarray], Problem]:
    return small_problem


@pytest.fixture
def ranks_of() -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The contract's definition, row by row: 1 + wrong candidates scoring >= the best right; 0: none."""

    def brute_force(scores: np.ndarray, relevant: np.ndarray) -> np.ndarray:
        return np.array(
            [
                1 + np.sum(row[~right] >= row[right].max()) if right.any() else 0
                for row, right in zip(scores, relevant, strict=True)
            ]
        )

    return brute_force


@pytest.fixture
def parity() -> Callable[[str], dict[str, np.ndarray]]:
    def read(name: str) -> dict[str, np.ndarray]:
        with np.load(FIXTURES / f"{name}.npz") as arrays:
            return dict(arrays)

    return read
