"""Binomial counts, such as the hits of a model that guesses: their probabilities, and means of what is made
of them."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

SPREAD = 8
"""How many standard deviations, and counts, beyond the mean are still likely: all others have less than
1e-13."""


def likely_counts(n: int, p: float) -> tuple[int, Floats]:
    """The first likely number of hits of n tries that hit with probability p, and the probabilities from
    there.

    >>> first, probabilities = likely_counts(2, 0.5)
    >>> first, probabilities.tolist()
    (0, [0.25, 0.5, 0.25])
    """
    mean = n * p
    reach = SPREAD * ((mean * (1 - p)) ** 0.5 + 1)
    low, high = max(0, int(mean - reach)), min(n, int(mean + reach) + 1)
    if p in (0, 1) or low == high:
        return round(mean), np.ones(1)
    counts = np.arange(low, high)
    # from ratios of neighbours, which need no factorials
    logs = np.concatenate([[0.0], np.cumsum(np.log((n - counts) / (counts + 1) * (p / (1 - p))))])
    weights = np.exp(logs - logs.max())
    return low, np.asarray(weights / weights.sum(), dtype=np.float64)


def mean_share(starts: Floats, step: float, n: int, p: float) -> Floats:
    """The mean of 1 / (start + step x hits) over the hits of n tries, for each of `starts` [g] above 0.

    >>> mean_share(np.array([1.0]), 1.0, 1, 0.5)  # half of 1 and half of 1/2
    array([0.75])
    """
    first, probabilities = likely_counts(n, p)
    hits = first + np.arange(probabilities.size)
    return np.array([float((probabilities / (start + step * hits)).sum()) for start in starts])


def mean_lowest_share(sizes: Counts, p: float) -> float:
    """The mean of the lowest share of hits of several groups of tries, of `sizes` [g] above 0.

    It is the integral over t of the probability that each share is t or more.

    >>> mean_lowest_share(np.array([1, 1]), 0.5)
    0.25
    """
    each, times = np.unique(sizes, return_counts=True)
    at_least, ends = [], []  # for each size: the probability of j hits or more, and the most likely share
    for size in each.tolist():
        first, probabilities = likely_counts(size, p)
        last = first + probabilities.size - 1
        found = np.zeros(size + 2)
        found[: first + 1] = 1.0
        found[first : last + 1] = np.cumsum(probabilities[::-1])[::-1]
        at_least.append(found)
        ends.append(last / size)
    reachable = min(ends)
    steps = [(j, size) for size in each.tolist() for j in range(1, int(reachable * size) + 2) if j <= size]
    if not steps:
        return 0.0
    hits, of = (np.array(column) for column in zip(*steps, strict=True))
    order = np.argsort(hits / of, kind="stable")
    hits, of = hits[order], of[order]
    all_reach = np.ones(hits.size)
    for size, count, found in zip(each.tolist(), times.tolist(), at_least, strict=True):
        all_reach *= found[-(-hits * size // of)] ** count  # hits / of, in whole hits of this size
    return float((np.diff(hits / of, prepend=0.0) * all_reach).sum())
