"""A score matrix read tag by tag, with bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlbench.core.errors import DataError, NotFinite
from vlbench.core.relevance import Relevance

FloatArray = NDArray[np.float32 | np.float64]

_BLOCK = 16  # float32 columns in a cache line of 64 bytes


@dataclass(frozen=True, slots=True)
class Column:
    """One tag: its index, every image's score [n], and the images it is true of [p], ascending."""

    index: int
    scores: FloatArray
    positives: NDArray[np.int64]


def pairs_of(relevant: NDArray[np.bool_]) -> Relevance:
    """A truth matrix [n, m] as pairs.

    >>> pairs_of(np.array([[False, True], [True, False]])).queries.tolist()
    [1, 0]
    """
    images, texts = np.nonzero(relevant)
    return Relevance(images, texts, (relevant.shape[0], relevant.shape[1]))


def score_columns(scores: FloatArray, relevant: Relevance) -> Iterator[Column]:
    """The columns of scores [n, m] in order, contiguous, a few copied at a time.

    Raises:
        DataError: scores and truth differ in shape.
        NotFinite: a score is NaN or infinite.
    """
    if scores.shape != relevant.shape:
        raise DataError(
            f"scores {scores.shape} and truth {relevant.shape} differ in shape; "
            "score every image against every text of the problem"
        )
    images = relevant.candidates[np.argsort(relevant.queries, kind="stable")]
    ends = np.cumsum(relevant.column_counts)
    for first in range(0, scores.shape[1], _BLOCK):
        block = np.ascontiguousarray(scores[:, first : first + _BLOCK].T)
        for index, column in enumerate(block, start=first):
            _check_finite(column, index)
            start = ends[index - 1] if index else 0
            yield Column(index, column, images[start : ends[index]])


def _check_finite(column: FloatArray, index: int) -> None:
    # extremes need no temporary, and NaN passes through both
    if column.size and not (np.isfinite(column.min()) and np.isfinite(column.max())):
        wrong = int(np.flatnonzero(~np.isfinite(column))[0])
        raise NotFinite(
            f"the score of image {wrong} for text {index} is {column[wrong]}; "
            "check the weights, or run with --precision fp32"
        )
