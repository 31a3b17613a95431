"""95 % confidence intervals, each with the name of its method, and the variances that they are made of.

An estimated variance is 0 where every image is right, or every one wrong; that does not make the metric
certain. So the interval of a fraction is Wilson's, for as many independent images as would have its variance.

A class with one image tells nothing about the variance within the class: taken alone, it would count as known
exactly. Classes of equal size therefore share a variance, and sizes with few images borrow from the next
sizes.
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from vlbench.core.measurement import student_quantile
from vlbench.core.relevance import Relevance

CONFIDENCE = 0.95
RESAMPLES = 1000
LEAST_IMAGES = 6
"""With fewer images, even the range of their values misses the median in more than 5 % of samples: 2 in 2^n
are on one side."""
LEAST_FREEDOM = 15
"""A variance with fewer degrees of freedom borrows the missing ones from classes of other sizes."""

BY_IMAGES = "Wilson, by the variance over images"

_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
_TAILS = (50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE))  # percent


class Interval(TypedDict, total=False):
    """Both ends and the method, as fields of a `Measurement`; empty where no interval exists."""

    ci_low: float
    ci_high: float
    ci_method: str


@dataclass(frozen=True, slots=True)
class Spread:
    """What each image contributes to the variance of a metric: the sum of squares of `influence` [n].

    `images` is how many independent images would have this variance, `freedom` the degrees of freedom.
    """

    influence: NDArray[np.float64]
    images: float
    freedom: float

    @property
    def variance(self) -> float:
        """The squared standard error of the metric."""
        return float(self.influence @ self.influence)


def wilson(share: float, trials: float, quantile: float = _Z, method: str = "Wilson") -> Interval:
    """Wilson's score interval of a proportion of independent trials.

    Source: Wilson 1927, JASA 22, 209-212.

    >>> interval = wilson(0.8, 10)
    >>> round(interval["ci_low"], 4), round(interval["ci_high"], 4)
    (0.4902, 0.9433)
    """
    spread = quantile * quantile / trials
    centre = (share + spread / 2) / (1 + spread)
    half = quantile / (1 + spread) * (share * (1 - share) / trials + spread / (4 * trials)) ** 0.5
    # rounding would leave the ends beside the share itself where all or none succeed
    low = max(0.0, centre - half) if share > 0 else 0.0
    high = min(1.0, centre + half) if share < 1 else 1.0
    return Interval(ci_low=low, ci_high=high, ci_method=method)


def score_interval(value: float, spread: Spread | None, method: str) -> Interval:
    """Wilson's interval of a fraction, for as many images as have its variance, with Student's quantile.

    The number of images is `spread.images` divided by the design effect, the ratio of the variance to that of
    independent images. Both variances include one further image with the opposite answer: so where all images
    are right, the design effect is 1. None without a spread or a degree of freedom.
    Source: Korn and Graubard 1998, Survey Methodology 24, 193-201, for Wilson's interval.

    For independent images it is Wilson's, apart from the quantile and n - 1:

    >>> interval = score_interval(0.8, Spread(np.full(1, (0.16 / 100) ** 0.5), 100, 1e9), "")
    >>> round(interval["ci_low"], 4), round(wilson(0.8, 100)["ci_low"], 4)
    (0.7112, 0.7112)
    """
    if spread is None or spread.images <= 0 or spread.freedom < 1:
        return Interval()
    n = spread.images
    effect = (spread.variance * n * n + 1) / (value * (1 - value) * n + 1)
    return wilson(value, n / effect, student_quantile(spread.freedom), method)


def bootstrap_median(values: NDArray[np.int64], images: NDArray[np.int64], *, seed: int) -> Interval:
    """Percentile bootstrap over images of the median of values [p]; value j belongs to images[j].

    The values are sorted once; a resample weights them by how often their image was drawn. No interval below
    `LEAST_IMAGES`.
    """
    if np.unique(images).size < LEAST_IMAGES:
        return Interval()
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    image = np.unique(images[order], return_inverse=True)[1]
    number = int(image.max()) + 1
    generator = np.random.default_rng(seed)
    medians = np.empty(RESAMPLES)
    for resample in range(RESAMPLES):
        drawn = np.bincount(generator.integers(number, size=number), minlength=number)
        reached = np.cumsum(drawn[image])
        size = int(reached[-1])
        middle = np.searchsorted(reached, [(size - 1) // 2, size // 2], side="right")
        medians[resample] = ordered[middle].mean()
    low, high = np.percentile(medians, _TAILS)
    method = f"bootstrap over images, {RESAMPLES} resamples"
    return Interval(ci_low=float(low), ci_high=float(high), ci_method=method)


def class_weights(sizes: NDArray[np.int64]) -> tuple[NDArray[np.float64], float, float]:
    """Weights of images in the variance of a mean over classes of `sizes` [C], all at least 1.

    The variance is the sum, over all images, of (factor of the class x residual of the image)^2. Returns
    these factors [C], the degrees of freedom of the estimate if all classes have equal variance, and how many
    independent images have a plain mean with this variance.

    A class of s images contributes variance / (s C^2). The variance is pooled within the classes of one size.
    For classes of one image it is taken between the classes: too large where their means differ, never too
    small on average (collapsed strata, Cochran 1977, Sampling Techniques, section 5A.12). A size with fewer
    than `LEAST_FREEDOM` degrees of freedom takes the missing ones from the next larger sizes, then from the
    smaller ones.

    For one class it is the variance of a mean, the sum of squared residuals / (n (n - 1)):

    >>> (1 / class_weights(np.array([5]))[0] ** 2).round(6)
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
    told = float(weights.sum() ** 2 / spread) if spread else 0.0
    return np.sqrt(per_square)[places], told, float(1 / shares.sum())


def class_spread(
    truth: Relevance,
    images: NDArray[np.int64],
    classes: NDArray[np.int64],
    influence: NDArray[np.float64],
    *,
    values: NDArray[np.float64],
) -> Spread:
    """The spread over images of the mean of `values` [m] of classes or tags, NaN for those without images.

    `influence` [p] is that of each of `images` on the value of the class in `classes`, in any order; they sum
    to 0 within a class. The size of a class is its number of true images. For classes with one image, the
    differences between their values count instead.

    >>> truth = Relevance(np.arange(2), np.arange(2), (2, 2))
    >>> pairs = truth.candidates, truth.queries
    >>> class_spread(truth, *pairs, np.zeros(2), values=np.array([1.0, 0.0])).influence
    array([ 0.35355339, -0.35355339])
    """
    n, m = truth.shape
    sizes = truth.column_counts
    found = sizes > 0
    if not found.any():
        return Spread(np.zeros(n), 0.0, 0.0)
    weights, freedom, equivalent = class_weights(sizes[found])
    factors = np.zeros(m)
    factors[found] = weights * sizes[found]
    alone = sizes == 1
    known = np.where(alone[classes], 0.0, factors[classes] * influence)
    influences = np.bincount(images, weights=known, minlength=n).astype(np.float64)
    if alone.any():
        single = alone[truth.queries]
        far = values[truth.queries[single]] - values[alone].mean()
        influences += np.bincount(
            truth.candidates[single], weights=factors[truth.queries[single]] * far, minlength=n
        )
    number = int(np.count_nonzero(truth.row_counts))
    return Spread(influences, min(equivalent, number), min(freedom, number - 1))


def image_spread(influence: NDArray[np.float64], counted: NDArray[np.bool_]) -> Spread:
    """The spread of a metric over independent images: `influence` [n] sums to 0, and `counted` [n] images
    take part.

    >>> image_spread(np.array([0.25, -0.25, 0.0]), np.array([True, True, False])).influence
    array([ 0.35355339, -0.35355339,  0.        ])
    """
    images = int(counted.sum())
    few = (images / (images - 1)) ** 0.5 if images > 1 else 0.0
    return Spread(influence * few, images, images - 1)


def share_spread(hits: NDArray[np.int64], sizes: NDArray[np.int64]) -> Spread:
    """The spread over images of sum(hits) / sum(sizes), such as hits [n] among the captions, sizes [n], of
    images.

    >>> share_spread(np.array([1, 0]), np.array([1, 1])).images
    2
    """
    whole = max(int(sizes.sum()), 1)
    return image_spread((hits - hits.sum() / whole * sizes) / whole, sizes > 0)


def jackknife_spread(replicates: NDArray[np.float64], *, images: float) -> Spread | None:
    """The spread of delete-one replicates [n]; None for n < 2 or an undefined (NaN) replicate.

    Variance (n - 1) / n * sum of squared deviations. Source: Efron 1982, The Jackknife, equation 3.5.
    """
    n = replicates.size
    if n < 2 or not np.isfinite(replicates).all():
        return None
    return Spread(((n - 1) / n) ** 0.5 * (replicates.mean() - replicates), min(images, n), n - 1)


def pseudo_values(estimate: float, replicates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tukey's pseudo-values [n] of delete-one replicates [n], none of which is undefined.

    Their mean is the bias-corrected estimate, and their variance over n that of the jackknife.
    Source: Tukey 1958, Annals of Mathematical Statistics 29, 614.

    For a mean, they are the values themselves:

    >>> pseudo_values(2.0, np.array([3.0, 2.0, 1.0]))  # the mean of 0, 2 and 4 without each
    array([0., 2., 4.])
    """
    n = replicates.size
    return n * estimate - (n - 1) * replicates
