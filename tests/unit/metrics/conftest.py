"""Problems without images, brute-force ranks and the parity fixtures."""

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from vlbench.core.contracts import Dataset, Text
from vlbench.core.dataset import Examples
from vlbench.core.problem import Problem, by_words
from vlbench.core.relevance import Relevance

FIXTURES = Path(__file__).parents[2] / "fixtures" / "metrics"


def _unread(index: int) -> NoReturn:
    raise AssertionError("a metric read an example")


@pytest.fixture
def problem_of() -> Callable[[np.ndarray], Problem]:
    def build(relevant: np.ndarray) -> Problem:
        n, m = relevant.shape
        images, texts = np.nonzero(relevant)
        return Problem(
            candidates=Dataset("unread", "0", Examples(_unread, n)),
            queries=by_words(tuple(Text(f"t{index}") for index in range(m))),
            relevant=Relevance.from_pairs(images, texts, (n, m)),
        )

    return build


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
