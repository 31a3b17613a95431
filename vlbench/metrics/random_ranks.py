"""Ranks under random scores, without ties: what a model that guesses finds on average.

Each order of the candidates that a query is asked about is equally probable.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vlbench.core.measurement import MetricOptions
from vlbench.core.problem import Problem
from vlbench.metrics.binomial import SPREAD, Counts, Floats, likely_counts

Side = Literal["candidates", "queries"]
"""What is asked: each candidate for its best queries, or each query for its best candidates."""

_POINTS = 64
"""From twice as many ranks near the median on, some stand for those around them."""


def within_by_chance(of: Side, k: int | None, problem: Problem, options: MetricOptions) -> float | None:
    """The expected fraction of candidates (or queries) with something right among their best k.

    Where r of a are right, none of them is among k with probability C(a - r, k) / C(a, k). `k` is the
    option's number where it is None.

    >>> from vlbench.core.small_problem import small_problem
    >>> within_by_chance("candidates", 1, small_problem([[1, 0, 0, 0], [0, 1, 1, 0]]), MetricOptions())
    0.375
    """
    most = int(options.number) if k is None else k
    asked, right, times = _kinds(of, problem)
    if not times.size:
        return None
    found, missed = np.zeros(times.size), np.ones(times.size)
    for place in range(min(most, int(asked.max()))):
        first = missed * np.minimum(right / np.maximum(asked - place, 1), 1)  # where none came before
        found, missed = found + first, missed - first
    return float((found * times).sum() / times.sum())


def median_by_chance(of: Side, problem: Problem, _: MetricOptions) -> float | None:
    """The expected median of the ranks of candidates' (or queries') best right answers.

    It is the sum, over ranks k, of the probability that the middle rank is above k: that at most half of the
    ranks are k or less, whose number is a sum of binomial counts.

    >>> from vlbench.core.small_problem import small_problem
    >>> round(median_by_chance("candidates", small_problem([[1, 0, 0]]), MetricOptions()), 9)
    2.0
    """
    asked, right, times = _kinds(of, problem)
    if not times.size:
        return None
    total = int(times.sum())
    middle = (total - 1) // 2, total // 2
    missed = np.zeros((times.size, int((asked - right).max()) + 1))  # that a rank is above k = 0, 1 ...
    for row, a, r in zip(missed, asked.tolist(), right.tolist(), strict=True):
        places = np.arange(a - r)
        row[: a - r + 1] = np.concatenate([[1.0], np.cumprod((a - r - places) / (a - places))])
    means = times @ (1 - missed)
    reach = SPREAD * (np.sqrt(times @ (missed * (1 - missed))) + 1)
    above = means + reach < middle[0]
    value = float(np.count_nonzero(above))
    near = np.flatnonzero(~above & (means - reach <= middle[1]))
    # falls smoothly: of many k every step-th, times the step, sums up to the same
    step = near.size // _POINTS | 1
    for start in range(0, near.size, step):
        stretch = near[start : start + step]
        first, probabilities = _sum_of_hits(times, 1 - missed[:, stretch[len(stretch) // 2]])
        upto = np.concatenate([[0.0], np.cumsum(probabilities), [1.0]])
        found = [upto[np.clip(m - first + 1, 0, upto.size - 1)] for m in middle]
        value += len(stretch) * float(np.mean(found))
    return value


def mean_precision(asked: Counts | int, right: Counts) -> Floats:
    """The expected average precision of each query with `right` [m] right ones among `asked`; 0 where none
    is right.

    It is (r - 1) / (a - 1) + H(a) (a - r) / (a (a - 1)), with H(a) = 1 + 1/2 + ... + 1/a: precision at place
    i counts the right one there, and of the i - 1 before it (r - 1) / (a - 1) on average.
    Source: Bestgen 2015, Exact Expected Average Precision of the Random Baseline for System Evaluation, The
    Prague Bulletin of Mathematical Linguistics 103, 131-138.

    >>> mean_precision(2, np.array([0, 1, 2]))
    array([0.  , 0.75, 1.  ])
    """
    a, r = np.broadcast_arrays(asked, right)
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, int(a.max(initial=1)) + 1))])
    others = np.maximum(a - 1, 1)
    values = (r - 1) / others + harmonic[a] * (a - r) / (np.maximum(a, 1) * others)
    return np.where(r == 0, 0.0, np.where(r == a, 1.0, values))


def _kinds(of: Side, problem: Problem) -> tuple[Counts, Counts, Counts]:
    """The different numbers of answers and of right ones, [g] each, and how many candidates (or queries) have
    them, without those that have nothing right."""
    relevant = problem.relevant
    right = relevant.row_counts if of == "candidates" else relevant.column_counts
    asked = np.broadcast_to(problem.asked_counts(of), right.shape)[right > 0]
    width = int(right.max(initial=0)) + 1
    keys, times = np.unique(asked * width + right[right > 0], return_counts=True)
    return keys // width, keys % width, times.astype(np.int64)


def _sum_of_hits(times: Counts, chances: NDArray[np.float64]) -> tuple[int, Floats]:
    """The first likely number of all hits of several kinds of tries, and the probabilities from there."""
    start, whole = 0, np.ones(1)
    for n, p in zip(times.tolist(), chances.tolist(), strict=True):
        first, probabilities = likely_counts(n, p)
        start, whole = start + first, np.convolve(whole, probabilities)
    return start, whole
