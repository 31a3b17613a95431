"""RAM's own mAP, precision and recall as metrics, for comparison with its published numbers.

They differ from the registered metrics: the order of equal scores counts, a tag without positives is 0 and
part of the mean, and a tag is given at its threshold, not only above it. No intervals. A tag that is asked of
no image, since nobody knows whether it is true, is left out.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction
from vlbench.core.measurement import Measurement, MetricOptions, Part
from vlbench.core.metric import ASKED, metric
from vlbench.core.problem import Problem
from vlbench.metrics.columns import FloatArray, score_columns
from vlbench.metrics.thresholds import score_threshold

_RAM_AP_GUARD = 1e-8
_RAM_RATIO_GUARD = 1e-9


def ram_average_precision(scores: FloatArray, relevant: NDArray[np.bool_]) -> NDArray[np.float64]:
    """RAM's AP of each column of [n, m]: [m], 0 for a class without positives, which its mean includes.

    It ranks single rows. The authors' own sort leaves the order of equal scores open; here the last row comes
    first. Source: recognize-anything, precision sum / (positives + 1e-8).

    >>> ram_average_precision(np.array([[3.0], [2.0], [1.0]]), np.array([[True], [False], [True]])).round(6)
    array([0.833333])
    """
    sums = np.empty(scores.shape[1])
    for index in range(scores.shape[1]):
        hits = relevant[np.argsort(scores[:, index], kind="stable")[::-1], index]
        places = np.flatnonzero(hits) + 1
        sums[index] = np.sum(np.arange(1, places.size + 1) / places)
    return np.asarray(sums / (relevant.sum(axis=0) + _RAM_AP_GUARD), dtype=np.float64)


def ram_precision_recall(
    predicted: NDArray[np.bool_], relevant: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """RAM's precision and recall of each class, [m] each, from decisions and truth [n, m].

    Both are 0 for a class without positives or never predicted, and its means include these.
    Source: recognize-anything, TP / (TP + FP + 1e-9) and TP / (TP + FN + 1e-9).

    >>> ram_precision_recall(np.array([[True], [True]]), np.array([[True], [False]]))[0].round(6)
    array([0.5])
    """
    hits = (predicted & relevant).sum(axis=0)
    given, true = predicted.sum(axis=0), relevant.sum(axis=0)
    return hits / (given + _RAM_RATIO_GUARD), hits / (true + _RAM_RATIO_GUARD)


@metric(reads={"scores", ASKED})
def ram_mean_average_precision(
    prediction: Prediction, problem: Problem, options: MetricOptions
) -> Measurement:
    """Mean over all tags of RAM's AP, which ranks equal scores with the last image first.

    Raises:
        NotFinite: a score is NaN or infinite.
    """
    return _mean(prediction, problem, lambda scores, relevant: ram_average_precision(scores, relevant)[0])


@metric(reads={"scores", ASKED}, at="threshold", needs_at=True)
def ram_precision(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean over all tags of RAM's precision at a threshold: a tag is given from there on."""
    cut = _cut(prediction, options)
    return _mean(
        prediction,
        problem,
        lambda scores, relevant: ram_precision_recall(scores >= cut, relevant)[0][0],
    )


@metric(reads={"scores", ASKED}, at="threshold", needs_at=True)
def ram_recall(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean over all tags of RAM's recall at a threshold: a tag is given from there on."""
    cut = _cut(prediction, options)
    return _mean(
        prediction, problem, lambda scores, relevant: ram_precision_recall(scores >= cut, relevant)[1][0]
    )


def _cut(prediction: Prediction, options: MetricOptions) -> np.float32 | np.float64:
    """The threshold in the precision of the scores."""
    scores: FloatArray = prediction["scores"]
    return scores.dtype.type(score_threshold(options.number, prediction.unit))


def _mean(
    prediction: Prediction, problem: Problem, value: Callable[[FloatArray, NDArray[np.bool_]], np.float64]
) -> Measurement:
    """The mean over the tags that are asked of some image; `value` reads scores and truth of one, [k, 1]."""
    parts = []
    counts = problem.relevant.column_counts
    columns = score_columns(prediction["scores"], problem.relevant, problem.asked)
    for name, column, count in zip(problem.names, columns, counts, strict=True):
        truth = np.zeros((column.scores.size, 1), dtype=np.bool_)
        truth[column.positives] = True
        found = float(value(column.scores[:, None], truth)) if column.scores.size else None
        parts.append(Part(name, found, int(count)))
    values = [part.value for part in parts if part.value is not None]
    left_out = len(parts) - len(values)
    if not values:
        return Measurement(value=None, n=0, left_out=left_out, parts=tuple(parts))
    return Measurement(value=float(np.mean(values)), n=len(values), left_out=left_out, parts=tuple(parts))
