"""Tests and intervals for the difference of two models on the same images, and Holm's adjustment.

McNemar's tests read the images that only one model gets right: `a_only` and `b_only`, numbers or arrays. The
mid-p test has the right level on average, where the exact one is too conservative. Where images have
different weights, the sign-flip test asks the same question: under equally good models, each gain is as
likely to be the other model's. Tests, ranks and intervals share the standard error `paired_error`.
"""

import math
import sys
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlbench.core.measurement import student_quantile

CONFIDENCE = 0.95
LEVEL = 0.05
"""A p below this is significant."""

TRIED = 14
"""Up to this many gains, all 2^14 sign patterns are tried."""
ROUNDING = 1e-9
"""Sums that differ by at most this count as equal."""
SMALLEST = sys.float_info.min
"""The smallest p that is stated, since none is 0."""

_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)

Floats = NDArray[np.float64]
Ends = tuple[float, float]
PValues = NDArray[np.float64]


def exact_mcnemar(a_only: ArrayLike, b_only: ArrayLike) -> PValues:
    """Two-sided p of the exact binomial test that each model is equally often the only one to be right.

    Source: McNemar 1947, Psychometrika 12, 153-157, with the binomial distribution.

    For 2 or fewer out of 10 images, p is 2 x (1 + 10 + 45) / 1024:

    >>> round(float(exact_mcnemar(2, 8)), 6)
    0.109375
    """
    return _of_tails(a_only, b_only, observed=1.0)


def mid_p_mcnemar(a_only: ArrayLike, b_only: ArrayLike) -> PValues:
    """Two-sided p like `exact_mcnemar`, but the observed outcome counts one half.

    Source: Fagerland, Lydersen and Laake 2013, BMC Medical Research Methodology 13:91.

    For 2 or fewer out of 10 images, p is 2 x (1 + 10 + 45 / 2) / 1024:

    >>> round(float(mid_p_mcnemar(2, 8)), 10)
    0.0654296875
    """
    return _of_tails(a_only, b_only, observed=0.5)


def interval_of_paired_shares(a_only: int, b_only: int, images: int) -> Ends:
    """95 % interval for the difference of two shares of the same images, B - A.

    Wald's interval after half an image is added to each of the four outcomes, so that its width is not 0
    where the models agree on every image. Source: Agresti and Min 2005, Statistics in Medicine 24, 729-740.

    >>> round(interval_of_paired_shares(0, 0, 98)[1], 4)
    0.0196
    """
    whole = images + 2
    difference = (b_only - a_only) / whole
    variance = (a_only + b_only + 1) / whole - difference**2
    half = _Z * math.sqrt(variance / whole)
    return max(-1.0, difference - half), min(1.0, difference + half)


def paired_error(gains: Floats, most: Floats, *, difference: float) -> float:
    """Standard error of the mean of gains [n] around a difference; for a test of no difference, pass 0.

    `most` [n] is how much each image could gain. Deviations are from the gain that the difference predicts
    for an image, not from the mean of its class: in a class with one image that deviation would be 0.

    >>> round(paired_error(np.array([1.0, 0.0, -1.0, 0.0]), np.ones(4), difference=0.0), 4)
    0.3536
    """
    return float(np.sqrt(np.sum((gains - difference * most) ** 2))) / gains.size


def paired_interval(gains: Floats, most: Floats, *, difference: float, fractions: bool) -> Ends:
    """95 % interval for a difference, the mean of gains [n]; `most` as in `paired_error`.

    For fractions it is within -1 and 1, and one further image of average weight is assumed to disagree, as in
    `interval_of_paired_shares`, so its width is not 0 where the models agree on every image. The degrees of
    freedom are Satterthwaite's for images of different weights: a few rare classes leave few.

    >>> round(paired_interval(np.zeros(98), np.ones(98), difference=0.0, fractions=True)[1], 4)
    0.0203
    """
    n = gains.size
    error = paired_error(gains, most, difference=difference) * math.sqrt(n / max(n - 1, 1))
    if fractions:
        error = math.hypot(error, math.sqrt(float(np.mean(most**2))) / n)
    freedom = float(np.sum(most**2) ** 2 / np.sum(most**4)) - 1
    half = student_quantile(max(freedom, 1.0)) * error
    bound = 1.0 if fractions else math.inf
    return max(-bound, difference - half), min(bound, difference + half)


def normal_interval(difference: float, error: float) -> Ends:
    """95 % interval for a difference of two fractions, from its standard error.

    >>> normal_interval(0.5, 0.0)
    (0.5, 0.5)
    """
    return max(-1.0, difference - _Z * error), min(1.0, difference + _Z * error)


def sign_flip_p(gains: Floats) -> float:
    """Two-sided p that the signs of gains [n] are random, by their sum; ties count one half.

    It does not estimate the variance of an image, so a class may have one image. Up to `TRIED` gains, all
    signs are tried. Above, it is the saddlepoint approximation of Lugannani and Rice 1980, Advances in
    Applied Probability 12, 475-490, applied to such tests by Robinson 1982, JRSS B 44, 91-101.

    >>> sign_flip_p(np.array([1.0, 2.0, 0.0])), sign_flip_p(np.array([1.0, -1.0])), sign_flip_p(np.zeros(3))
    (0.25, 1.0, 1.0)
    """
    sizes = np.abs(gains[gains != 0])
    if not sizes.size:
        return 1.0
    scale = float(np.sqrt(np.sum(sizes**2)))
    sizes, far = sizes / scale, abs(float(gains.sum())) / scale
    if far <= ROUNDING:
        return 1.0
    if sizes.size <= TRIED:
        sums = np.zeros(1)
        for size in sizes:
            sums = np.concatenate([sums - size, sums + size])
        beyond = np.abs(sums) - far
        return float(np.mean(beyond > ROUNDING) + np.mean(np.abs(beyond) <= ROUNDING) / 2)
    if far >= sizes.sum() - ROUNDING:
        return max(math.ldexp(1.0, -sizes.size), SMALLEST)
    return _saddlepoint_p(sizes, far)


def _saddlepoint_p(sizes: Floats, far: float) -> float:
    """Two-sided p that random signs times sizes [n] have a sum at least `far` from 0. Squared sizes sum to 1.

    The cumulant generating function of the sum is the sum of log cosh(size x t).
    """
    at = far  # left of the saddlepoint, as tanh x < x; Newton's steps stay there
    for _ in range(100):
        bends = np.tanh(sizes * at)
        step = (far - float(sizes @ bends)) / float(sizes**2 @ (1 - bends**2))
        at += step
        if step <= 1e-9 * at:
            break
    cumulant = float(np.sum(np.logaddexp(sizes * at, -sizes * at))) - sizes.size * math.log(2)
    root = math.sqrt(max(2 * (at * far - cumulant), 0.0))
    if root < 0.01:  # where the formula divides by nothing the normal distribution is exact enough
        return math.erfc(far / math.sqrt(2))
    slope = at * math.sqrt(float(np.sum((sizes / np.cosh(np.minimum(sizes * at, 350))) ** 2)))
    density = math.exp(-root * root / 2) / math.sqrt(2 * math.pi)
    tail = math.erfc(root / math.sqrt(2)) + 2 * density * (1 / slope - 1 / root)
    return min(1.0, max(tail, SMALLEST))


def normal_p(differences: ArrayLike, errors: ArrayLike, *, images: int) -> PValues:
    """Two-sided p of differences, with standard errors that were estimated from this number of images.

    It is at least 2 / 2^images, the p of a sign test in which all images agree: a difference without spread
    is not certain.

    >>> [round(float(p), 3) for p in normal_p([0.0, 0.0196, 0.5], [0.0, 0.01, 0.0], images=6)]
    [1.0, 0.05, 0.031]
    """
    difference, error = (np.asarray(each, dtype=np.float64) for each in (differences, errors))
    size = np.abs(difference)
    spread = error > 0
    z = np.divide(size, error, out=np.where(size > 0, np.inf, 0.0), where=spread)
    tails = np.array([math.erfc(each / math.sqrt(2)) for each in z.ravel()]).reshape(z.shape)
    return np.asarray(np.maximum(tails, max(2.0 ** min(0, 1 - images), SMALLEST)), dtype=np.float64)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust p values for their number, in the same order. None stays None and does not count.

    Source: Holm 1979, Scandinavian Journal of Statistics 6, 65-70.

    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    known = np.array([p for p in p_values if p is not None], dtype=np.float64)
    adjusted = iter(holm_array(known).tolist())
    return [None if p is None else next(adjusted) for p in p_values]


def holm_array(p_values: PValues) -> PValues:
    """Like `holm`, for an array [k]."""
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(p_values.size, 0, -1)
    adjusted = np.empty(p_values.size)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p_values[order] * factors))
    return adjusted


def _of_tails(a_only: ArrayLike, b_only: ArrayLike, *, observed: float) -> PValues:
    """Two-sided p-values of fair coins; what was observed counts with the weight `observed` (mid-p: 0.5)."""
    first, second = np.broadcast_arrays(*(np.asarray(each, dtype=np.int64) for each in (a_only, b_only)))
    fewer, alone = np.minimum(first, second).ravel(), (first + second).ravel()
    pairs, places = np.unique(np.stack([fewer, alone], axis=1), axis=0, return_inverse=True)
    tails = np.array([_tail(int(k), int(n), observed) for k, n in pairs], dtype=np.float64)
    p_values = np.clip(2 * tails[places.ravel()], SMALLEST, 1.0).reshape(first.shape)
    return np.where(first == second, 1.0, p_values)  # free of rounding


def _tail(k: int, n: int, observed: float) -> float:
    """P(X < k) + observed x P(X = k) for X heads of n fair coins, with k up to n / 2.

    Terms fall as exp(-2 d^2 / n) at a distance d from the middle, so eight standard deviations suffice for a
    float.
    """
    last = math.exp(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2))
    at = np.arange(k, max(0, k - 8 * math.isqrt(n) - 8), -1)
    return last * (observed + float(np.cumprod(at / (n - at + 1)).sum()))
