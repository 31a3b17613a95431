"""The metrics of published protocols as their authors define them, for comparison with their numbers.

They differ from the registered metrics in ties, in classes without positives and in averaging; each
docstring says how. A task is scored by the strict definitions; RAM's are registered beside them under
RAM's name (ram_protocol.py).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vlbench.metrics.columns import FloatArray

TieRule = Literal["stable_reversed", "best", "worst"]
"""Order of equal scores: the last row first, the positives first, the positives last."""

_RAM_AP_GUARD = 1e-8
_RAM_RATIO_GUARD = 1e-9


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """Precision and recall of each class, [m]."""

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


def ram_average_precision(
    scores: FloatArray, relevant: NDArray[np.bool_], *, ties: TieRule = "stable_reversed"
) -> NDArray[np.float64]:
    """RAM's AP of each column of [n, m]: [m], 0 for a class without positives, which its mean includes.

    Ranks single rows, so that the order of equal scores counts: the authors' own sort leaves it open, "best"
    and "worst" bound it. Source: recognize-anything, precision sum / (positives + 1e-8).

    >>> ram_average_precision(np.array([[3.0], [2.0], [1.0]]), np.array([[True], [False], [True]])).round(6)
    array([0.833333])
    """
    sums = np.empty(scores.shape[1])
    for index in range(scores.shape[1]):
        hits = relevant[_descending(scores[:, index], relevant[:, index], ties), index]
        places = np.flatnonzero(hits) + 1
        sums[index] = np.sum(np.arange(1, places.size + 1) / places)
    return np.asarray(sums / (relevant.sum(axis=0) + _RAM_AP_GUARD), dtype=np.float64)


def ram_precision_recall(predicted: NDArray[np.bool_], relevant: NDArray[np.bool_]) -> PrecisionRecall:
    """RAM's precision and recall of each class from decisions and truth [n, m].

    Both are 0 for a class without positives or never predicted, and its means include these.
    Source: recognize-anything, TP / (TP + FP + 1e-9) and TP / (TP + FN + 1e-9).

    >>> ram_precision_recall(np.array([[True], [True]]), np.array([[True], [False]])).precision.round(6)
    array([0.5])
    """
    hits = (predicted & relevant).sum(axis=0)
    return PrecisionRecall(
        precision=hits / (predicted.sum(axis=0) + _RAM_RATIO_GUARD),
        recall=hits / (relevant.sum(axis=0) + _RAM_RATIO_GUARD),
    )


def elevater_11_point(scores: FloatArray, relevant: NDArray[np.bool_]) -> NDArray[np.float64]:
    """ELEVATER's 11-point AP of each column of [n, m]: [m], NaN for a class without positives.

    Its mean leaves those out. AP is the mean over recalls r = 1, 0.9 ... 0 of the best precision at
    recall >= r, on a curve that ends in recall 0 at precision 1: the term of r = 0 is always 1.
    Source: vision-evaluation 0.2.9.

    >>> elevater_11_point(np.array([[2.0], [1.0]]), np.array([[False], [True]])).round(6)
    array([0.545455])
    """
    values = np.full(scores.shape[1], np.nan)
    for index in np.flatnonzero(relevant.any(axis=0)):
        values[index] = _eleven_points(scores[:, index], relevant[:, index])
    return values


def _descending(scores: FloatArray, relevant: NDArray[np.bool_], ties: TieRule) -> NDArray[np.intp]:
    if ties == "stable_reversed":
        return np.argsort(scores, kind="stable")[::-1]
    return np.lexsort((relevant if ties == "best" else ~relevant, scores))[::-1]


def _eleven_points(scores: FloatArray, relevant: NDArray[np.bool_]) -> float:
    """11-point AP of one class, [n], that has positives."""
    ordered = np.sort(scores)
    right = np.sort(scores[relevant])
    cuts = np.unique(right)  # only there does recall grow, and precision is best
    hits = right.size - np.searchsorted(right, cuts)
    precision = np.append(hits / (ordered.size - np.searchsorted(ordered, cuts)), 1.0)
    recall = np.append(hits / right.size, 0.0)
    return float(np.mean([precision[recall >= level].max() for level in np.linspace(1, 0, 11)]))
