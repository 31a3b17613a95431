"""knn: a vote of the nearest training images, weighted as in DINO (Caron et al. 2021, section 4.1).

Source: facebookresearch/dino, eval_knn.py: temperature 0.07; k is 10, 20, 100 or 200, of which 20 works best.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from vlbench.core.errors import Unsupported
from vlbench.core.method import Head, Lesson, Method, SplitName
from vlbench.core.problem import Problem
from vlbench.methods.support import Support, Vectors, probe, refuse_unsuited, row_blocks, support_of, unit


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Training vectors of length 1, of which the `k` nearest vote for a class."""

    support: Support
    k: int
    temperature: float

    def score(self, vectors: Vectors) -> Vectors:
        """The logarithm [n, m] of each class's share of the votes, so that a softmax gives the shares.

        A vote has the weight exp(cosine / temperature). Among images with equal cosines, the first ones vote.
        """
        found = np.empty((len(vectors), self.support.classes), dtype=np.float32)
        for rows in row_blocks(len(vectors), max(len(self.support.labels), self.support.classes), 4):
            found[rows] = self._shares(unit(vectors[rows]) @ self.support.vectors.T)
        # no vote at all is a number, too
        return np.log(np.maximum(found, np.finfo(np.float32).tiny))

    def _shares(self, cosines: Vectors) -> Vectors:
        (count, images), classes = cosines.shape, self.support.classes
        least = np.partition(cosines, images - self.k, axis=1)[:, images - self.k]
        rows, places = np.nonzero(cosines >= least[:, None])
        values = cosines[rows, places]
        if len(rows) > count * self.k:  # several are as near as the last: the first of them vote
            order = np.lexsort((places, -values, rows))
            firsts = np.searchsorted(rows, np.arange(count))
            taken = order[np.arange(len(rows)) - firsts[rows] < self.k]
            rows, places, values = rows[taken], places[taken], values[taken]
        # against the nearest: no weight overflows, and shares stay what they are
        nearest = cosines.max(axis=1)[rows].astype(np.float64)
        weights = np.exp((values - nearest) / self.temperature)
        cells = rows * classes + self.support.labels[places]
        votes = np.bincount(cells, weights, minlength=count * classes).reshape(count, classes)
        shares: Vectors = (votes / votes.sum(axis=1, keepdims=True)).astype(np.float32)
        return shares


def knn(*, k: int = 20, shots: int | None = None, temperature: float = 0.07) -> Method:
    """A vote of the k nearest training images by cosine, weighted by exp(cosine / temperature).

    The seed draws `shots` images of each class; without `shots`, all are used.

    Raises:
        Unsupported: k or shots are below 1, or the temperature is not above 0.

    >>> from vlbench.core.small_problem import small_lesson
    >>> lesson = small_lesson([[1, 0], [1, 0], [0, 1]], vectors=[[1, 0], [1, 1], [0, 1]])
    >>> knn(k=1).fit(lesson).score(np.array([[0.1, 2.0]], dtype=np.float32)).argmax(axis=1)
    array([1])
    """
    if k < 1 or temperature <= 0:
        raise Unsupported(
            f"knn needs k from 1 and a temperature above 0, not k={k},temperature={temperature:g}"
        )
    return probe("knn", partial(learn, k, shots, temperature), shots, suits=partial(suits, k, shots))


def suits(k: int, shots: int | None, problems: Mapping[SplitName, Problem]) -> None:
    """Refuse a training split that does not suit the method.

    Raises:
        Unsupported: there are fewer than k images, an image has no class or several, or a class has too few
            images.
    """
    refuse_unsuited("knn", shots, problems)
    counts = problems["train"].relevant.column_counts
    count = int(counts.sum()) if shots is None else shots * int((counts > 0).sum())
    if count < k:
        raise Unsupported(f"knn: k is {k}, and there are {count} training images; give k={count} or fewer")


def learn(k: int, shots: int | None, temperature: float, lesson: Lesson) -> Head:
    """Keep the training images, normalised to length 1."""
    support = support_of(lesson, shots)
    of_length_1 = replace(support, vectors=unit(support.vectors))
    return Head(score=Neighbours(of_length_1, k, temperature).score, learned=support.learned)
