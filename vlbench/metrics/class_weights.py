"""The variance of a mean over classes or tags, each of which was seen on few images or on one.

One image of a class says nothing of how much its class varies: taken alone it would count as known exactly.
Classes of one size share a variance, and a size with few images borrows from the next ones.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlbench.core.relevance import Relevance

LEAST_FREEDOM = 15
"""Degrees of freedom below which a variance borrows from classes of other sizes, as many as it lacks."""


@dataclass(frozen=True, slots=True)
class ClassWeights:
    """How much each class's images weigh in the variance of a mean over C classes.

    The variance is the sum over all images of (`factors` [C] of its class x its residual)^2. `freedom` counts
    the degrees of freedom of that estimate where all classes vary alike, `equivalent` the independent images
    whose plain mean would vary as much.
    """

    factors: NDArray[np.float64]
    freedom: float
    equivalent: float


@dataclass(frozen=True, slots=True)
class Spread:
    """What each image adds to the variance of a metric: the sum of `influence` [n] squared is that variance.

    `images` is how many independent images would vary as much, `freedom` the degrees of freedom.
    """

    influence: NDArray[np.float64]
    images: float
    freedom: float

    @property
    def variance(self) -> float:
        """The squared standard error of the metric."""
        return float(self.influence @ self.influence)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Images and classes whose value they have a part in, [p] each, in any order."""

    images: NDArray[np.int64]
    classes: NDArray[np.int64]


def class_weights(sizes: NDArray[np.int64]) -> ClassWeights:
    """The weights of classes of `sizes` [C], all of 1 image or more.

    A class of s images adds variance / (s C^2). The variance of the classes of one size is pooled within
    them, that of classes of one image is taken between them: too large where their means differ, never too
    small on average. Source: collapsed strata, Cochran 1977, Sampling Techniques, section 5A.12. A size with
    fewer than `LEAST_FREEDOM` degrees of freedom takes what it lacks from the next larger sizes, then from
    the smaller ones.

    Of one class it is the variance of a mean, the squared residuals / (n (n - 1)):

    >>> (1 / class_weights(np.array([5])).factors ** 2).round(6)
    array([20.])
    """
    distinct, places, counts = np.unique(sizes, return_inverse=True, return_counts=True)
    freedom = np.where(distinct == 1, counts - 1, counts * (distinct - 1))
    shares = counts / (distinct * sizes.size**2.0)  # of the whole variance, by size
    weights = np.zeros(distinct.size)
    for size in range(distinct.size):
        nearest = np.concatenate([np.arange(size, distinct.size), np.arange(size)[::-1]])
        known = freedom[nearest]
        taken = np.clip(LEAST_FREEDOM - (np.cumsum(known) - known), 0, known)
        taken[0] = known[0]
        if taken.any():
            weights[nearest] += shares[size] * taken / taken.sum()
    per_square = np.divide(weights, freedom, out=np.zeros(distinct.size), where=freedom > 0)
    spread = float(np.sum(per_square * weights))
    return ClassWeights(
        factors=np.sqrt(per_square)[places],
        freedom=float(weights.sum() ** 2 / spread) if spread else 0.0,
        equivalent=float(1 / shares.sum()),
    )


def class_spread(
    truth: Relevance, pairs: Pairs, influence: NDArray[np.float64], *, values: NDArray[np.float64]
) -> Spread:
    """The spread over images of the mean of `values` [m] of classes or tags, NaN for those without images.

    `influence` [p] is that of the `pairs`' images on the value of their class: those of a class sum to 0. A
    class is as large as its true images are many. Of one of a single image they say nothing: what counts is
    how far its value is from those of its like.

    >>> truth = Relevance(np.arange(2), np.arange(2), (2, 2))
    >>> pairs = Pairs(truth.candidates, truth.queries)
    >>> class_spread(truth, pairs, np.zeros(2), values=np.array([1.0, 0.0])).influence
    array([ 0.35355339, -0.35355339])
    """
    n, m = truth.shape
    sizes = truth.column_counts
    found = sizes > 0
    if not found.any():
        return Spread(np.zeros(n), 0.0, 0.0)
    weights = class_weights(sizes[found])
    factors = np.zeros(m)
    factors[found] = weights.factors * sizes[found]
    alone = sizes == 1
    known = np.where(alone[pairs.classes], 0.0, factors[pairs.classes] * influence)
    influences = np.bincount(pairs.images, weights=known, minlength=n).astype(np.float64)
    if alone.any():
        single = alone[truth.queries]
        far = values[truth.queries[single]] - values[alone].mean()
        influences += np.bincount(
            truth.candidates[single], weights=factors[truth.queries[single]] * far, minlength=n
        )
    images = int(np.count_nonzero(truth.row_counts))
    return Spread(influences, min(weights.equivalent, images), min(weights.freedom, images - 1))


def image_spread(influence: NDArray[np.float64], counted: NDArray[np.bool_]) -> Spread:
    """The spread of a metric over independent images: `influence` [n] sums to 0, `counted` [n] has a say.

    >>> image_spread(np.array([0.25, -0.25, 0.0]), np.array([True, True, False])).influence
    array([ 0.35355339, -0.35355339,  0.        ])
    """
    images = int(counted.sum())
    few = (images / (images - 1)) ** 0.5 if images > 1 else 0.0
    return Spread(influence * few, images, images - 1)
