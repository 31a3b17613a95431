"""RAM's own mAP, precision and recall as metrics, for comparison with its published numbers.

They differ from the usual metrics: the order of equal scores counts; a tag without positives counts as 0 in
the mean; and a tag is predicted at its threshold, not only above it. There are no intervals. A tag that is
asked about no image, since its truth is unknown everywhere, is left out.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction
from vlbench.core.measurement import Measurement, MetricOptions, Part
from vlbench.core.metric import ASKED, metric
from vlbench.core.problem import Problem
from vlbench.metrics.columns import FloatArray, score_columns
from vlbench.metrics.random_ranks import mean_precision
from vlbench.metrics.ratios import PRECISION, RECALL, Ratio
from vlbench.metrics.thresholds import score_threshold

_RAM_AP_GUARD = 1e-8
_RAM_RATIO_GUARD = 1e-9


def ram_average_precision(scores: FloatArray, relevant: NDArray[np.bool_]) -> float:
    """RAM's AP of a class, from its scores [n] and its truth [n].

    0 without positives, which the mean includes. Images are ranked one by one. The authors' sort leaves the
    order of equal scores open; here the last image comes first. Source: recognize-anything, precision sum /
    (positives + 1e-8).

    >>> round(ram_average_precision(np.array([3.0, 2.0, 1.0]), np.array([True, False, True])), 6)
    0.833333
    """
    places = np.flatnonzero(relevant[np.argsort(scores, kind="stable")[::-1]]) + 1
    return float(np.sum(np.arange(1, places.size + 1) / places) / (places.size + _RAM_AP_GUARD))


def ram_precision_recall(predicted: NDArray[np.bool_], relevant: NDArray[np.bool_]) -> tuple[float, float]:
    """RAM's precision and recall of a class, from its decisions [n] and its truth [n].

    Both are 0 for a class without positives or without predictions, and the means include these.
    Source: recognize-anything, TP / (TP + FP + 1e-9) and TP / (TP + FN + 1e-9).

    >>> round(ram_precision_recall(np.array([True, True]), np.array([True, False]))[0], 6)
    0.5
    """
    hits, given, true = (int(each.sum()) for each in (predicted & relevant, predicted, relevant))
    return hits / (given + _RAM_RATIO_GUARD), hits / (true + _RAM_RATIO_GUARD)


def _precision_by_chance(problem: Problem, _: MetricOptions) -> float | None:
    asked, right = _counts(problem)
    values = mean_precision(asked, right) * right / (right + _RAM_AP_GUARD)
    return float(values.mean()) if values.size else None


def _of_all_tags(ratio: Ratio, problem: Problem, _: MetricOptions) -> float | None:
    """The ratio of a model that predicts every tag for every image, which is its best for equal scores."""
    asked, right = _counts(problem)
    values = ratio.hits * right / (ratio.given * asked + ratio.true * right + _RAM_RATIO_GUARD)
    return float(values.mean()) if values.size else None


def _counts(problem: Problem) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many images each tag is asked about, and how many have it, without tags that are asked about
    none."""
    right = problem.relevant.column_counts
    asked = np.broadcast_to(problem.asked_counts("queries"), right.shape)
    return asked[asked > 0], right[asked > 0]


@metric(reads={"scores", ASKED}, chance=_precision_by_chance)
def ram_mean_average_precision(
    prediction: Prediction, problem: Problem, options: MetricOptions
) -> Measurement:
    """RAM's AP, averaged over all tags; of equal scores, the last image ranks first.

    Raises:
        NotFinite: a score is NaN or infinite.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> prediction = small_prediction(scores=[[3.0], [2.0], [1.0]])
    >>> found = ram_mean_average_precision(prediction, small_problem([[1], [0], [1]]), MetricOptions())
    >>> round(found.value, 6)
    0.833333
    """
    return _mean(prediction, problem, ram_average_precision)


@metric(
    reads={"scores", ASKED},
    at="threshold",
    needs_at=True,
    constant=partial(_of_all_tags, PRECISION),
)
def ram_precision(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """RAM's precision, averaged over all tags, at a threshold: scores equal to it count as predicted.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> prediction = small_prediction(scores=[[0.5], [0.5], [0.1]])
    >>> found = ram_precision(prediction, small_problem([[1], [0], [0]]), MetricOptions(at=0.5))
    >>> round(found.value, 6)
    0.5
    """
    cut = _cut(prediction, options)
    return _mean(prediction, problem, lambda scores, truth: ram_precision_recall(scores >= cut, truth)[0])


@metric(
    reads={"scores", ASKED},
    at="threshold",
    needs_at=True,
    constant=partial(_of_all_tags, RECALL),
)
def ram_recall(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """RAM's recall, averaged over all tags, at a threshold: scores equal to it count as predicted.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> prediction = small_prediction(scores=[[0.5], [0.5], [0.1]])
    >>> found = ram_recall(prediction, small_problem([[1], [0], [0]]), MetricOptions(at=0.5))
    >>> round(found.value, 6)
    1.0
    """
    cut = _cut(prediction, options)
    return _mean(prediction, problem, lambda scores, truth: ram_precision_recall(scores >= cut, truth)[1])


def _cut(prediction: Prediction, options: MetricOptions) -> np.float32 | np.float64:
    """The threshold as a score, in the scores' precision."""
    scores: FloatArray = prediction["scores"]
    return scores.dtype.type(score_threshold(options.number, prediction.unit))


def _mean(
    prediction: Prediction, problem: Problem, value: Callable[[FloatArray, NDArray[np.bool_]], float]
) -> Measurement:
    """Average `value`, a function of a tag's scores and truth [k], over the tags that are asked about some
    image."""
    parts = []
    counts = problem.relevant.column_counts
    columns = score_columns(prediction["scores"], problem.relevant, problem.asked)
    for name, column, count in zip(problem.names, columns, counts, strict=True):
        found = value(column.scores, column.truth) if column.scores.size else None
        parts.append(Part(name, found, int(count)))
    values = [part.value for part in parts if part.value is not None]
    mean = float(np.mean(values)) if values else None
    return Measurement(value=mean, n=len(values), left_out=len(parts) - len(values), parts=tuple(parts))
