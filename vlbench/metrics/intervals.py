"""95 % confidence intervals; each says by what method it was made.

The resampling and linearisation methods know only the variation that the data show: where every image
is right (or every one wrong) their interval has no width. Wilson's has.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
RESAMPLES = 1000
MAX_DRAWS = 1 << 20
"""Numbers drawn at a time: what bounds the memory of a bootstrap (8 MiB)."""

_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
_TAILS = (50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE))  # percent


@dataclass(frozen=True, slots=True)
class Interval:
    """Both ends and the method; without ends where no interval can be given."""

    low: float | None = None
    high: float | None = None
    method: str = ""


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
    spread = _Z * _Z / trials
    centre = (share + spread / 2) / (1 + spread)
    half = _Z / (1 + spread) * (share * (1 - share) / trials + spread / (4 * trials)) ** 0.5
    # rounding would leave the ends beside the share itself where all or none succeed
    low = centre - half if successes else 0.0
    high = centre + half if successes < trials else 1.0
    return _fraction(low, high, "Wilson")


def bootstrap_share(hits: NDArray[np.int64], sizes: NDArray[np.int64], *, seed: int) -> Interval:
    """Percentile bootstrap of sum(hits) / sum(sizes) over images: hits [n] of sizes [n] captions each.

    Images alike in both numbers are interchangeable, so a resample is one multinomial draw over the
    distinct pairs: the same distribution as resampling image by image, at a fraction of the cost.
    """
    kept = sizes > 0
    if not kept.any():
        return Interval()
    kinds, counts = np.unique(np.stack([hits[kept], sizes[kept]]), axis=1, return_counts=True)
    images = int(counts.sum())
    generator = np.random.default_rng(seed)
    shares = np.empty(RESAMPLES)
    for chunk in _chunks(kinds.shape[1]):
        draws = generator.multinomial(images, counts / images, size=chunk.stop - chunk.start)
        totals = draws @ kinds.T  # [resamples, 2]
        shares[chunk] = totals[:, 0] / totals[:, 1]
    return _percentiles(shares, f"bootstrap over images, {RESAMPLES} resamples")


def bootstrap_median(values: NDArray[np.int64], images: NDArray[np.int64], *, seed: int) -> Interval:
    """Percentile bootstrap over images of the median of values [p]; value j belongs to images[j].

    The values are sorted once; a resample weighs them by how often their image was drawn.
    """
    if values.size == 0:
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


def bootstrap_mean_of_shares(hits: NDArray[np.int64], sizes: NDArray[np.int64], *, seed: int) -> Interval:
    """Percentile bootstrap, stratified by class, of the mean over classes of hits [c] / sizes [c].

    Within a class of n images of which a share p is right, a resample's hits are Binomial(n, p): they
    are drawn as such. A class of one image shows no variation and adds none; one without is left out.
    """
    kept = sizes > 0
    if not kept.any():
        return Interval()
    right, size = hits[kept], sizes[kept]
    generator = np.random.default_rng(seed)
    means = np.empty(RESAMPLES)
    for chunk in _chunks(size.size):
        shape = (chunk.stop - chunk.start, size.size)
        means[chunk] = (generator.binomial(size, right / size, size=shape) / size).mean(axis=1)
    return _percentiles(means, f"bootstrap within classes, {RESAMPLES} resamples")


def jackknife(estimate: float, replicates: NDArray[np.float64]) -> Interval:
    """Normal interval from delete-one replicates [n]; none for n < 2 or an undefined (NaN) replicate.

    Variance (n - 1) / n * sum of squared deviations. Source: Efron 1982, The Jackknife, equation 3.5.
    """
    n = replicates.size
    if n < 2 or not np.isfinite(replicates).all():
        return Interval()
    squares = float(np.sum((replicates - replicates.mean()) ** 2))
    return normal_fraction(estimate, (n - 1) / n * squares, "jackknife over images")


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


def infinitesimal_jackknife(estimate: float, influence: NDArray[np.float64]) -> Interval:
    """Normal interval from influences [n]: the derivative of the estimate by each image's weight.

    The weights are 1 at the estimate, so the variance is the sum of squared influences.
    Source: Jaeckel 1972; Efron 1982, The Jackknife, section 6.3.
    """
    if influence.size < 2:
        return Interval()
    return normal_fraction(estimate, float(influence @ influence), "infinitesimal jackknife over images")


def normal_mean(values: NDArray[np.float64]) -> Interval:
    """Normal interval of the mean of numbers [n] of 0 or more, which need not be fractions; none for n < 2.

    >>> interval = normal_mean(np.array([1.0, 3.0]))
    >>> round(interval.low, 2), round(interval.high, 2)
    (0.04, 3.96)
    """
    n = values.size
    if n < 2:
        return Interval()
    mean, half = float(values.mean()), _Z * float(values.std(ddof=1)) / n**0.5
    return Interval(max(0.0, mean - half), mean + half, "normal, of the mean over images")


def normal_fraction(estimate: float, variance: float, method: str) -> Interval:
    """Normal interval of a fraction by its variance, within 0 and 1.

    >>> round(normal_fraction(0.9, 0.01, "a method").low, 3), normal_fraction(0.9, 0.01, "a method").high
    (0.704, 1.0)
    """
    half = _Z * variance**0.5
    return _fraction(estimate - half, estimate + half, method)


def _fraction(low: float, high: float, method: str) -> Interval:
    return Interval(max(0.0, low), min(1.0, high), method)


def _percentiles(values: NDArray[np.float64], method: str) -> Interval:
    low, high = np.percentile(values, _TAILS)
    return Interval(float(low), float(high), method)


def _chunks(width: int) -> Iterator[slice]:
    """Slices of the resamples, as long as MAX_DRAWS allows for `width` numbers a resample."""
    length = max(1, MAX_DRAWS // width)
    for start in range(0, RESAMPLES, length):
        yield slice(start, min(start + length, RESAMPLES))
