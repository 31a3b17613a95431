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


@dataclass(frozen=True, slots=True)
class PairMatches:
    """Which items, each of two images and two texts, are matched: by image, by text, [k] each."""

    image: NDArray[np.bool_]
    text: NDArray[np.bool_]

    @property
    def both(self) -> NDArray[np.bool_]:
        """Items matched either way, [k]; Winoground's group score is their mean."""
        return self.image & self.text


def ram_average_precision(
    scores: FloatArray, relevant: NDArray[np.bool_], *, ties: TieRule = "stable_reversed"
) -> NDArray[np.float64]:
    """RAM's AP of each column of [n, m]: [m], 0 for a class without positives, which its mean includes.

    Ranks single rows, so that the order of equal scores counts: the authors' own sort leaves it open, "best"
    and "worst" bound it. Source: recognize-anything, precision sum / (positives + 1e-8).

    >>> ram_average_precision(np.array([[3.0], [2.0], [1.0]]), np.array([[True], [False], [True]])).round(6)
    array([0.833333])
    """
    sums = _precision_sums(scores, relevant, ties)
    return np.asarray(sums / (relevant.sum(axis=0) + _RAM_AP_GUARD), dtype=np.float64)


def clip_benchmark_average_precision(
    scores: FloatArray, relevant: NDArray[np.bool_], *, ties: TieRule = "stable_reversed"
) -> NDArray[np.float64]:
    """CLIP_benchmark's AP of each column of [n, m]: [m], 0 for a class without positives.

    As RAM's, with divisor max(positives, 1); zeros are part of its mean. Its own order of equal scores is
    left to torch's sort.

    >>> clip_benchmark_average_precision(np.array([[1.0, 1.0]]), np.array([[True, False]]))
    array([1., 0.])
    """
    sums = _precision_sums(scores, relevant, ties)
    return np.asarray(sums / np.maximum(relevant.sum(axis=0), 1), dtype=np.float64)


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


def balanced_accuracy(scores: FloatArray, labels: NDArray[np.int64]) -> float:
    """CLIP_benchmark's mean per-class recall of scores [n, m] with labels [n].

    The argmax is over all columns, the mean over the classes among the labels. On equal scores the first
    column wins, so that ties can help. Source: scikit-learn's balanced accuracy.

    >>> balanced_accuracy(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), np.array([0, 1, 1]))
    0.75
    """
    hits = scores.argmax(axis=1) == labels
    return float(np.mean([hits[labels == label].mean() for label in np.unique(labels)]))


def elevater_mean_per_class(scores: FloatArray, labels: NDArray[np.int64]) -> float:
    """ELEVATER's mean per-class recall of scores [n, m] with labels [n].

    Columns of classes absent from the labels are dropped BEFORE the argmax, so that fewer wrong answers
    are possible than under `balanced_accuracy`. Source: vision-evaluation 0.2.9.

    >>> elevater_mean_per_class(np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 2.0]]), np.array([0, 1]))
    1.0
    """
    present, labels_among_present = np.unique(labels, return_inverse=True)
    return balanced_accuracy(scores[:, present], labels_among_present)


def roc_auc(scores: FloatArray, labels: NDArray[np.int64]) -> float:
    """Area under the ROC curve of the second column of scores [n, 2] for labels [n] of 0 and 1.

    The chance that a positive outscores a negative, ties counting half; NaN where either is absent.
    ELEVATER's metric for Hateful Memes.

    >>> roc_auc(np.array([[0.0, 0.1], [0.0, 0.4], [0.0, 0.35], [0.0, 0.8]]), np.array([0, 0, 1, 1]))
    0.75
    """
    negatives = np.sort(scores[labels == 0, 1])
    positives = scores[labels == 1, 1]
    if negatives.size == 0 or positives.size == 0:
        return float("nan")
    below = np.searchsorted(negatives, positives, side="left")
    upto = np.searchsorted(negatives, positives, side="right")
    return float((below + upto).sum() / (2 * negatives.size * positives.size))


def winoground_matches(scores: FloatArray) -> PairMatches:
    """Winoground's matches from scores [k, 2 images, 2 texts], pair i being image i with text i.

    By image: each text's own image scores above the other. By text: each image's own text does. Strictly
    above, as in Thrush et al. 2022, equations 1-3: ties never help. CLIP_benchmark takes the argmax, and
    with it the first index on ties.

    >>> winoground_matches(np.array([[[2.0, 1.0], [0.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]]])).text.tolist()
    [True, False]
    """
    own = scores[:, [0, 1], [0, 1]]  # [k, 2]
    other_image = scores[:, [1, 0], [0, 1]]
    other_text = scores[:, [0, 1], [1, 0]]
    by_image, by_text = own > other_image, own > other_text
    return PairMatches(image=by_image[:, 0] & by_image[:, 1], text=by_text[:, 0] & by_text[:, 1])


def sugarcrepe_matches(scores: FloatArray) -> NDArray[np.bool_]:
    """Which images prefer their caption to its negative, [k], from scores [k, 2] of caption and negative.

    Strictly: ties never help. CLIP_benchmark's argmax takes the caption on ties, so that a constant or NaN
    model is right everywhere; its image accuracy has one candidate and is always 1.

    >>> sugarcrepe_matches(np.array([[2.0, 1.0], [1.0, 1.0]])).tolist()
    [True, False]
    """
    return np.asarray(scores[:, 0] > scores[:, 1])


def _precision_sums(scores: FloatArray, relevant: NDArray[np.bool_], ties: TieRule) -> NDArray[np.float64]:
    """Sum of the precisions at the ranks of the positives, [m]."""
    sums = np.empty(scores.shape[1])
    for index in range(scores.shape[1]):
        hits = relevant[_descending(scores[:, index], relevant[:, index], ties), index]
        places = np.flatnonzero(hits) + 1
        sums[index] = np.sum(np.arange(1, places.size + 1) / places)
    return sums


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
