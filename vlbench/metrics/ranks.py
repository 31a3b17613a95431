"""Shares and medians of ranks: 1 is the best, 0 says that nothing right exists and is left out."""

import numpy as np
from numpy.typing import NDArray

from vlbench.core.measurement import Measurement
from vlbench.metrics.intervals import wilson


def measured(ranks: NDArray[np.int64]) -> NDArray[np.int64]:
    """The ranks of those that have something right.

    >>> measured(np.array([1, 0, 3])).tolist()
    [1, 3]
    """
    return ranks[ranks > 0]


def worst_rank(candidates: NDArray[np.int64] | int, right: NDArray[np.int64]) -> int:
    """The worst rank that every query can have: of `candidates`, one number or [n], `right` [n] are right.

    The wrong ones all come first: five captions of one image leave no rank but 1. Queries of which nothing is
    right have no rank.

    >>> worst_rank(100, np.array([1, 1])), worst_rank(5, np.array([5])), worst_rank(6, np.array([0, 2]))
    (100, 1, 5)
    >>> worst_rank(np.array([15, 10, 2]), np.array([1, 1, 0]))
    10
    """
    wrong = (candidates - right)[right > 0]
    return int(wrong.min(initial=np.max(candidates, initial=1) - 1)) + 1


def share_within(ranks: NDArray[np.int64], k: int, *, worst: int) -> float | None:
    """Fraction of the measured ranks that are at most k.

    None where `worst`, the worst rank there can be, is within k (a query could not be wrong), or nothing was
    measured.

    >>> share_within(np.array([1, 4, 0, 2]), 2, worst=4)
    0.6666666666666666
    >>> share_within(np.array([1, 2]), 5, worst=5) is None
    True
    """
    kept = measured(ranks)
    if k >= worst or kept.size == 0:
        return None
    return float(np.mean(kept <= k))


def median_rank(ranks: NDArray[np.int64]) -> float | None:
    """Median of the measured ranks; None where there are none. Lower is better.

    >>> median_rank(np.array([1, 0, 4, 2, 7]))
    3.0
    """
    kept = measured(ranks)
    return float(np.median(kept)) if kept.size else None


def proportion_within(ranks: NDArray[np.int64], k: int, *, worst: int) -> Measurement:
    """The fraction of images [n] whose rank is at most k, with Wilson's interval: images are independent.

    `n` counts the images that have something right, `left_out` those that have not; None as `share_within`.

    >>> proportion_within(np.array([1, 3, 0]), 1, worst=4).value
    0.5
    """
    kept = measured(ranks)
    value = share_within(ranks, k, worst=worst)
    left_out = ranks.size - kept.size
    if value is None:
        return Measurement(value=None, n=kept.size, left_out=left_out)
    interval = wilson(int(np.sum(kept <= k)), kept.size)
    return Measurement(
        value=value,
        n=kept.size,
        ci_low=interval.low,
        ci_high=interval.high,
        ci_method=interval.method,
        left_out=left_out,
    )
