"""Shares of ranks: 1 is the best, 0 says that nothing right exists and is left out."""

import numpy as np
from numpy.typing import NDArray

from vlbench.core.items import Contributions, Indices, Items, Reading
from vlbench.core.measurement import Measurement
from vlbench.metrics.intervals import wilson


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


def proportion_within(
    ranks: NDArray[np.int64], k: int, *, asked: NDArray[np.int64] | int, right: NDArray[np.int64]
) -> Measurement:
    """The fraction of queries whose rank [n] is at most k, with Wilson's interval of independent ones.

    `n` counts the queries that have something right, `left_out` those that have not. None where nothing was
    measured, or a query could not be wrong: of the `asked` candidates `right` [n] are right.

    >>> proportion_within(np.array([1, 3, 0]), 1, asked=4, right=np.array([1, 1, 0])).value
    0.5
    >>> proportion_within(np.array([1, 2]), 5, asked=5, right=np.array([1, 1])).value is None
    True
    """
    kept = ranks[ranks > 0]
    left_out = ranks.size - kept.size
    if k >= worst_rank(asked, right) or not kept.size:
        return Measurement(value=None, n=kept.size, left_out=left_out)
    value = float(np.mean(kept <= k))
    return Measurement(value=value, n=kept.size, left_out=left_out, **wilson(value, kept.size))


def hits_within(items: Items, most: float | None) -> Reading | None:
    """Which images have something right within the best `most`; None where the items keep no ranks.

    >>> hits_within(Items(image_ranks=np.array([1, 0, 3])), 1)
    array([ True, False])
    """
    ranks = items.image_ranks
    return None if ranks is None or most is None else ranks[ranks > 0] <= most


def shares(hits: Indices, sizes: Indices) -> Reading | None:
    """A share of what hangs on the images: hits [n] of sizes [n], such as captions found."""
    if not sizes.size:
        return None
    most = sizes.size * sizes / sizes.sum()
    return Contributions("over images", most * (hits / sizes), most)
