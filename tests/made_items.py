"""Items of every shape that published matchings have, and scores of them as arrays, for tests of metrics."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Dataset, Offers, Prediction, ScoreUnit
from vlbench.core.dataset import Examples
from vlbench.core.item import Item
from vlbench.core.problem import Problem
from vlbench.core.task import TaskRequest
from vlbench.task_kinds.matching import matching

SHAPES = {
    "1x2": (1, 2, ((0, 0),)),
    "2x2": (2, 2, ((0, 0), (1, 1))),
    "1x3, two right": (1, 3, ((0, 0), (0, 2))),
    "1x4": (1, 4, ((0, 3),)),
    "1x5": (1, 5, ((0, 1),)),
    "texts": (1, 3, ((0, 0), (0, 1))),
}
"""Images, texts and right pairs of an item."""


def made(
    shape: str, count: int, *, share: int = 1, labels: Sequence[dict[str, str]] | None = None
) -> Problem:
    """The problem of so many items of a shape, each image of it that of `share` items."""
    images, texts, right = SHAPES[shape]
    items = tuple(
        Item(
            str(i),
            tuple(range(i // share * images, (i // share + 1) * images)),
            tuple(f"{i}.{j}" for j in range(texts)),
            right,
            {} if labels is None else labels[i],
        )
        for i in range(count)
    )
    source = Dataset("made", "0", Examples(_unread, -(-count // share) * images), Offers(items=items))
    request = TaskRequest("made", "test", source)
    return matching(request, between="texts" if shape == "texts" else "images").problem


def scored(problem: Problem, scores: NDArray[np.floating], **arrays: NDArray[np.generic]) -> Prediction:
    """A prediction of the scores of asked pairs [p]; all features differ unless `arrays` say else."""
    n, m = problem.relevant.shape
    kept = {"pair_scores": scores.astype(np.float32), "candidates_alike": np.arange(n)}
    kept |= {"queries_alike": np.arange(m), "queries_cut": np.zeros(m, dtype=np.bool_)}
    return Prediction(ScoreUnit("cosine"), {**kept, **arrays})


def _unread(index: int) -> None:
    raise AssertionError("a metric read an example")
