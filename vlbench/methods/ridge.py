"""ridge: least squares in closed form on standardised vectors, as in big_vision's few-shot evaluator.

Source: big_vision, evaluators/fewshot_lsr.py, which usually sets l2 to 2^10.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vlbench.core.errors import Unsupported
from vlbench.core.method import Head, Lesson, Method, SplitName
from vlbench.core.problem import Problem
from vlbench.core.relevance import Relevance
from vlbench.methods.support import Vectors, probe, refuse_unknown, refuse_unsuited, row_blocks, support_of

CONSTANT = 100.0
"""The constant feature that serves as an intercept; its weight is penalised like the others."""
LEAST_DEVIATION = 1e-5
"""The number added to every deviation."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ridge:
    """Scores (x - mean) / deviation @ weights + constants: [d], [d], [d, m] and [m]."""

    mean: Numbers
    deviation: Numbers
    weights: Numbers
    constants: Numbers

    def score(self, vectors: Vectors) -> Vectors:
        """The scores [n, m] of vectors [n, d]."""
        found = np.empty((len(vectors), len(self.constants)), dtype=np.float32)
        for rows in row_blocks(len(vectors), max(self.weights.shape), 8):
            found[rows] = self.standard(vectors[rows]) @ self.weights + self.constants
        return found

    def standard(self, vectors: Vectors) -> Numbers:
        """Standardise vectors [n, d] with the mean and deviation of the training vectors."""
        found: Numbers = (vectors - self.mean) / self.deviation
        return found


def ridge(*, shots: int | None = None, l2: float = 2.0**10) -> Method:
    """Ridge regression to +1 and -1 in closed form on standardised vectors, for classes or tags.

    The seed draws `shots` images of each class; without `shots`, all are used. `l2` is the penalty.

    Raises:
        Unsupported: shots are below 1, or the penalty is not above 0.

    >>> from vlbench.core.small_problem import small_lesson
    >>> lesson = small_lesson([[1, 0], [0, 1]], vectors=[[1, 0], [0, 1]])
    >>> ridge().fit(lesson).score(np.eye(2, dtype=np.float32)).argmax(axis=1)
    array([0, 1])
    """
    if l2 <= 0:
        raise Unsupported(f"ridge needs a penalty above 0, not l2={l2:g}")
    return probe("ridge", partial(learn, shots, l2), shots, suits=partial(suits, shots))


def suits(shots: int | None, problems: Mapping[SplitName, Problem]) -> None:
    """Refuse a training split that does not suit the method.

    Raises:
        Unsupported: the truth of a pair is not known, a class has too few images, or shots are drawn from
            images with several tags.
    """
    refuse_unknown(problems["train"], of="ridge")
    if shots is not None:
        refuse_unsuited("ridge", shots, problems)


def learn(shots: int | None, l2: float, lesson: Lesson) -> Head:
    """Fit the weights on the training split."""
    split = lesson.splits["train"]
    right = split.problem.relevant
    if shots is None and (right.row_counts != 1).any():
        return Head(score=solve(split.vectors(), right, l2).score)
    support = support_of(lesson, shots)
    places = np.arange(len(support.labels))
    right = Relevance.from_pairs(places, support.labels, (len(places), right.shape[1]))
    return Head(score=solve(support.vectors, right, l2).score, learned=support.learned)


def solve(vectors: Vectors, right: Relevance, l2: float) -> Ridge:
    """Weights (Z'Z + l2)^-1 Z'T of standardised vectors Z; targets T are +1 of right pairs and -1 of others.

    Columns of Z sum to 0, so the constant feature has its own equation.
    """
    from scipy.sparse import csr_array

    n, d = vectors.shape
    mean = vectors.mean(axis=0, dtype=np.float64)
    squares = np.zeros(d)
    for rows in row_blocks(n, d, 8):
        squares += ((vectors[rows] - mean) ** 2).sum(axis=0)
    deviation = np.sqrt(squares / n) + LEAST_DEVIATION
    sums = 2.0 * right.column_counts - n
    constants = CONSTANT**2 * sums / (CONSTANT**2 * n + l2)
    found = Ridge(mean, deviation, np.zeros((d, right.shape[1])), constants)
    if n < d:
        standard = found.standard(vectors)
        targets = 2 * right.dense().astype(np.float64) - 1
        weights = standard.T @ penalised(standard @ standard.T, targets, l2)
    else:
        marks = csr_array((np.ones(len(right.queries)), (right.candidates, right.queries)), shape=right.shape)
        gram, products = np.zeros((d, d)), np.zeros((right.shape[1], d))
        for rows in row_blocks(n, d, 8):
            standard = found.standard(vectors[rows])
            gram += standard.T @ standard
            products += marks[rows].T @ standard
        weights = penalised(gram, 2.0 * products.T, l2)
    return replace(found, weights=weights)


def penalised(gram: Numbers, targets: Numbers, l2: float) -> Numbers:
    """(gram + l2)^-1 targets, [k, m], for a positive semidefinite gram [k, k] and targets [k, m].

    >>> penalised(np.zeros((1, 1)), np.array([[4.0]]), 2.0)
    array([[2.]])
    """
    values, basis = np.linalg.eigh(gram)
    found: Numbers = basis @ ((basis.T @ targets) / (np.maximum(values, 0.0) + l2)[:, None])
    return found
