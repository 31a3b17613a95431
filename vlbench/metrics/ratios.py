"""Precision, recall and F1 as ratios of decisions, and what guessing, or the same tags for all, reaches.

The tags that count are those with positives.
"""

from dataclasses import dataclass
from math import comb
from typing import Literal

import numpy as np

from vlbench.core.measurement import MetricOptions
from vlbench.core.problem import Problem
from vlbench.metrics.binomial import SPREAD, Counts, Floats, mean_share

Averaging = Literal["macro", "micro"]


@dataclass(frozen=True, slots=True)
class Ratio:
    """A measure as a ratio: `hits` x right predictions / (`given` x predicted tags + `true` x true tags)."""

    hits: int
    given: int
    true: int


PRECISION = Ratio(hits=1, given=1, true=0)
RECALL = Ratio(hits=1, given=0, true=1)
F1 = Ratio(hits=2, given=1, true=1)


def ratios_by_chance(ratio: Ratio, right: Counts, images: int, p: float) -> Floats:
    """The expected ratio of tags with `right` [m] positives among `images`, where each image is given each
    tag with probability p.

    A positive is given with probability p, and the others then make the ratio's denominator: Z of them, a
    binomial count. So the mean is hits x right x p x the mean of 1 / (given (1 + Z) + true x right).

    >>> ratios_by_chance(PRECISION, np.array([1]), 2, 0.5)  # 1/2, but 0 where no image is given the tag
    array([0.375])
    """
    counts, places = np.unique(right, return_inverse=True)
    shares = mean_share(ratio.given + ratio.true * counts.astype(np.float64), ratio.given, images - 1, p)
    return np.asarray((ratio.hits * p * counts * shares)[places], dtype=np.float64)


def same_tags(
    averaging: Averaging, ratio: Ratio, problem: Problem, options: MetricOptions, *, top: bool = False
) -> float | None:
    """The best ratio of a model that gives every image the same tags, as many as it likes, or up to k
    (`top`).

    A macro ratio rises with each tag. A micro ratio is best for some of the most frequent tags: those whose
    share of positives is above half of it, in case of F1.

    >>> from vlbench.core.small_problem import small_problem
    >>> same_tags("micro", F1, small_problem([[1, 1], [1, 0], [0, 0]]), MetricOptions())
    0.6666666666666666
    """
    counts = problem.relevant.column_counts
    right, asked = (
        counts[counts > 0],
        np.broadcast_to(problem.asked_counts("queries"), counts.shape)[counts > 0],
    )
    if not right.size:
        return None
    most = int(options.number) if top else right.size
    if averaging == "macro":
        values = ratio.hits * right / (ratio.given * asked + ratio.true * right)
        return float(np.sort(values)[::-1][:most].sum() / right.size)
    order = np.argsort(-right / asked, kind="stable")[:most]
    hits, given = np.cumsum(right[order]), np.cumsum(asked[order])
    return float((ratio.hits * hits / (ratio.given * given + ratio.true * right.sum())).max())


def top_by_chance(
    averaging: Averaging, ratio: Ratio, problem: Problem, options: MetricOptions
) -> float | None:
    """The expected ratio where each image is given k of the m tags at random.

    >>> from vlbench.core.small_problem import small_problem
    >>> top_by_chance("micro", PRECISION, small_problem([[1, 1], [1, 0], [0, 0]]), MetricOptions(at=1))
    0.5
    """
    n, m = problem.relevant.shape
    k, counts = int(options.number), problem.relevant.column_counts
    right = counts[counts > 0]
    if problem.asked is not None or not right.size or k >= m:
        return None
    if averaging == "macro":
        return float(ratios_by_chance(ratio, right, n, k / m).mean())
    true, tags = int(right.sum()), right.size
    # of g predictions of tags that count, g x (share of right pairs) are right on average
    given, probabilities = np.array([n * k * tags / m]), np.ones(1)
    if ratio.given and tags < m:
        given, probabilities = _given_by_chance(n, m, tags, k)
    whole = ratio.given * given + ratio.true * true
    values = ratio.hits * given * (true / (n * tags)) / np.maximum(whole, 1)
    return float((values * probabilities).sum())


def _given_by_chance(n: int, m: int, tags: int, k: int) -> tuple[Floats, Floats]:
    """How many of the predictions of n images, k of m each, are of `tags` certain ones: numbers and their
    probabilities."""
    of_one = [comb(tags, t) * comb(m - tags, k - t) / comb(m, k) for t in range(k + 1)]
    mean, square = (sum(t**power * p for t, p in enumerate(of_one)) for power in (1, 2))
    # the sum of n independent numbers has the n-th power of their transform; it is never far from its mean
    reach = SPREAD * ((n * (square - mean**2)) ** 0.5 + k)
    size = 1 << (2 * int(reach)).bit_length()
    remainders = np.fft.irfft(np.fft.rfft(of_one, size) ** n, size)
    sums = int(n * mean) - size // 2 + np.arange(size)
    return np.maximum(sums, 0).astype(np.float64), np.maximum(remainders[sums % size], 0.0)
