"""95 % confidence intervals; each says by what method it was made.

A variance that is estimated from the data is 0 where every image is right (or every one wrong), which does
not make the metric certain. So the interval of a fraction is Wilson's, of as many independent images as have
its variance.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from vlbench.core.student import student_quantile
from vlbench.metrics.class_weights import Spread, image_spread

CONFIDENCE = 0.95
RESAMPLES = 1000
LEAST_IMAGES = 6
"""Images below which even their extremes do not hold the median in 95 % of draws: 2 in 2^n have one side."""

BY_IMAGES = "Wilson, by the variance over images"

_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
_TAILS = (50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE))  # percent


@dataclass(frozen=True, slots=True)
class Interval:
    """Both ends and the method; without ends where no interval can be given."""

    low: float | None = None
    high: float | None = None
    method: str = ""


@dataclass(frozen=True, slots=True)
class Ends:
    """Both ends of an interval."""

    low: float
    high: float


def wilson(successes: int, trials: int) -> Interval:
    """Wilson's score interval of a proportion of independent trials.

    Source: Wilson 1927, JASA 22, 209-212.

    >>> interval = wilson(8, 10)
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.4902, 0.9433)
    """
    if trials == 0:
        return Interval()
    share = successes / trials
    ends = _wilson(share, trials, _Z)
    # rounding would leave the ends beside the share itself where all or none succeed
    low = ends.low if successes else 0.0
    high = ends.high if successes < trials else 1.0
    return Interval(low, high, "Wilson")


def score_interval(value: float, spread: Spread, method: str) -> Interval:
    """Wilson's interval of a fraction by its variance: of as many images as have it, with Student's quantile.

    The number of images is `spread.images` over the design effect, the variance against that of independent
    images, both with one image more that goes the other way: where all are right the design effect is 1, and
    the interval that of as many images all right. None without a degree of freedom.
    Source: Korn and Graubard 1998, Survey Methodology 24, 193-201, for Wilson's interval.

    Of independent images it is Wilson's, but for the quantile and n - 1:

    >>> interval = score_interval(0.8, Spread(np.full(1, (0.16 / 100) ** 0.5), 100, 1e9), "")
    >>> round(interval.low, 4), round(wilson(80, 100).low, 4)
    (0.7112, 0.7112)
    """
    if spread.images <= 0 or spread.freedom < 1:
        return Interval()
    n = spread.images
    effect = (spread.variance * n * n + 1) / (value * (1 - value) * n + 1)
    ends = _wilson(value, n / effect, student_quantile(spread.freedom))
    return Interval(ends.low if value > 0 else 0.0, ends.high if value < 1 else 1.0, method)


def share_spread(hits: NDArray[np.int64], sizes: NDArray[np.int64]) -> Spread:
    """The spread of sum(hits) / sum(sizes) over images: hits [n] of sizes [n] captions each."""
    whole = max(int(sizes.sum()), 1)
    return image_spread((hits - hits.sum() / whole * sizes) / whole, sizes > 0)


def bootstrap_median(values: NDArray[np.int64], images: NDArray[np.int64], *, seed: int) -> Interval:
    """Percentile bootstrap over images of the median of values [p]; value j belongs to images[j].

    The values are sorted once; a resample weighs them by how often their image was drawn. None below
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
    return _percentiles(medians, f"bootstrap over images, {RESAMPLES} resamples")


def jackknife_spread(replicates: NDArray[np.float64], *, images: float) -> Spread | None:
    """The spread of delete-one replicates [n]; None for n < 2 or an undefined (NaN) replicate.

    Variance (n - 1) / n * sum of squared deviations. Source: Efron 1982, The Jackknife, equation 3.5.
    """
    n = replicates.size
    if n < 2 or not np.isfinite(replicates).all():
        return None
    return Spread(((n - 1) / n) ** 0.5 * (replicates.mean() - replicates), min(images, n), n - 1)


def pseudo_values(estimate: float, replicates: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Tukey's pseudo-values [n] of delete-one replicates [n]; None where the jackknife has no interval.

    Their mean is the bias-corrected estimate, and their variance over n that of the jackknife.
    Source: Tukey 1958, Annals of Mathematical Statistics 29, 614.

    Of a mean they are the values themselves:

    >>> pseudo_values(2.0, np.array([3.0, 2.0, 1.0]))  # the mean of 0, 2 and 4 without each
    array([0., 2., 4.])
    """
    n = replicates.size
    if n < 2 or not np.isfinite(replicates).all():
        return None
    return n * estimate - (n - 1) * replicates


def mean_interval(values: NDArray[np.float64]) -> Interval:
    """Student's interval of the mean of numbers [n] of 0 or more, which need not be fractions.

    None for n < 2, and where all are equal: that says nothing of how much they vary.

    >>> interval = mean_interval(np.array([1.0, 2.0, 3.0, 4.0]))
    >>> round(interval.low, 1), round(interval.high, 1)
    (0.4, 4.6)
    """
    n = values.size
    if n < 2 or np.ptp(values) == 0:
        return Interval()
    half = student_quantile(n - 1) * float(values.std(ddof=1)) / n**0.5
    mean = float(values.mean())
    return Interval(max(0.0, mean - half), mean + half, "Student's, of the mean over images")


def _wilson(share: float, trials: float, quantile: float) -> Ends:
    spread = quantile * quantile / trials
    centre = (share + spread / 2) / (1 + spread)
    half = quantile / (1 + spread) * (share * (1 - share) / trials + spread / (4 * trials)) ** 0.5
    return Ends(max(0.0, centre - half), min(1.0, centre + half))


def _percentiles(values: NDArray[np.float64], method: str) -> Interval:
    low, high = np.percentile(values, _TAILS)
    return Interval(float(low), float(high), method)
