"""Reads a score matrix tag by tag, with bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from vlbench.core.errors import DataError, NotFinite
from vlbench.core.problem import Asked
from vlbench.core.relevance import Relevance

FloatArray = NDArray[np.float32 | np.float64]

_BLOCK = 16  # float32 columns in a cache line of 64 bytes


@dataclass(frozen=True, slots=True)
class Column:
    """One tag: its index, the scores [k] of the images that it is asked about, and the places [p] of its
    positives.

    `positives` are indices into `scores`, ascending. `images` [k] are the images of the scores, ascending; a
    slice of all images where the tag is asked about each.
    """

    index: int
    scores: FloatArray
    positives: NDArray[np.int64]
    images: NDArray[np.int64] | slice

    @property
    def truth(self) -> NDArray[np.bool_]:
        """Whether each of these images has the tag, [k]."""
        truth = np.zeros(self.scores.size, dtype=np.bool_)
        truth[self.positives] = True
        return truth

    def at(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The images at some indices of `scores`."""
        return places if isinstance(self.images, slice) else self.images[places]


def pairs_of(relevant: NDArray[np.bool_]) -> Relevance:
    """A truth matrix [n, m] as pairs.

    >>> pairs_of(np.array([[False, True], [True, False]])).queries.tolist()
    [1, 0]
    """
    images, texts = np.nonzero(relevant)
    return Relevance(images, texts, (relevant.shape[0], relevant.shape[1]))


def score_columns(scores: FloatArray, relevant: Relevance, asked: Asked | None = None) -> Iterator[Column]:
    """The columns of scores [n, m] in order, without the pairs that are not asked.

    A few are copied at a time.

    >>> truth = pairs_of(np.array([[False, True], [True, False]]))
    >>> [column.scores.tolist() for column in score_columns(np.array([[1.0, 2.0], [3.0, 4.0]]), truth)]
    [[1.0, 3.0], [2.0, 4.0]]

    Raises:
        DataError: scores and truth differ in shape.
        NotFinite: a score is NaN or infinite.
    """
    if scores.shape != relevant.shape:
        raise DataError(
            f"scores {scores.shape} and truth {relevant.shape} differ in shape; "
            "score every image against every text of the problem"
        )
    positives = relevant.by_query
    images: Iterator[NDArray[np.int64] | slice] = repeat(slice(None)) if asked is None else asked.by_query
    for first in range(0, scores.shape[1], _BLOCK):
        block = np.ascontiguousarray(scores[:, first : first + _BLOCK].T)
        for index, whole in enumerate(block, start=first):
            known, true = next(images), positives[index]
            places = true if isinstance(known, slice) else np.searchsorted(known, true)
            column = Column(index, whole[known], places, known)
            _check_finite(column)
            yield column


def _check_finite(column: Column) -> None:
    scores = column.scores
    # extremes need no temporary, and NaN passes through both
    if scores.size and not (np.isfinite(scores.min()) and np.isfinite(scores.max())):
        wrong = np.flatnonzero(~np.isfinite(scores))[:1]
        raise NotFinite(
            f"the score of image {column.at(wrong)[0]} for text {column.index} is {scores[wrong[0]]}; "
            "check the weights, or run with --precision fp32"
        )
