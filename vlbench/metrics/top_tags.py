"""Precision, recall and F1 of tags where each image is given its k best; macro and micro as in thresholds.py.

An image is given the tags that score above its (k + 1)-th best score, so equal scores at the edge are
all left out: ties never help. Where k best are all tags nothing is measured. The k best of an image are
those of all its tags: where some are unknown nobody knows which these would be, so no metric here heeds them.
"""

import numpy as np

from vlbench.core.contracts import Prediction
from vlbench.core.measurement import Measurement, MetricOptions
from vlbench.core.metric import metric
from vlbench.core.problem import Problem
from vlbench.metrics.columns import FloatArray
from vlbench.metrics.thresholds import F1, PRECISION, RECALL, Averaging, Ratio, measure_given

_SCORES_AT_ONCE = 1 << 22


def edge_scores(scores: FloatArray, k: int) -> FloatArray:
    """The (k + 1)-th best score of each image, [n, 1], of scores [n, m]; minus infinity where m <= k.

    >>> edge_scores(np.array([[3.0, 1.0, 2.0]]), 1)
    array([[2.]])
    """
    n, m = scores.shape
    if k >= m:
        return np.full((n, 1), -np.inf, dtype=scores.dtype)
    edges = np.empty((n, 1), dtype=scores.dtype)
    rows = max(1, _SCORES_AT_ONCE // m)
    for start in range(0, n, rows):
        block = scores[start : start + rows]
        edges[start : start + rows, 0] = np.partition(block, m - k - 1, axis=1)[:, m - k - 1]
    return edges


@metric(reads={"scores"}, at="k", needs_at=True)
def macro_precision_top(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean over tags of the fraction of the images given a tag, among their k best, that have it."""
    return _measure(prediction, problem, options, "macro", PRECISION)


@metric(reads={"scores"}, at="k", needs_at=True)
def macro_recall_top(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean over tags of the fraction of the images that have a tag that have it among their k best."""
    return _measure(prediction, problem, options, "macro", RECALL)


@metric(reads={"scores"}, at="k", needs_at=True)
def macro_f1_top(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean over tags of the harmonic mean of precision and recall of each image's k best tags."""
    return _measure(prediction, problem, options, "macro", F1)


@metric(reads={"scores"}, at="k", needs_at=True)
def micro_precision_top(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of all images' k best tags that are true."""
    return _measure(prediction, problem, options, "micro", PRECISION)


@metric(reads={"scores"}, at="k", needs_at=True)
def micro_recall_top(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of all true tags that are among their image's k best."""
    return _measure(prediction, problem, options, "micro", RECALL)


@metric(reads={"scores"}, at="k", needs_at=True)
def micro_f1_top(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Harmonic mean of micro precision and recall of each image's k best tags."""
    return _measure(prediction, problem, options, "micro", F1)


def _measure(
    prediction: Prediction, problem: Problem, options: MetricOptions, averaging: Averaging, ratio: Ratio
) -> Measurement:
    k = int(options.number)
    scores = prediction["scores"]
    if k >= scores.shape[1]:
        return Measurement(value=None, n=0, left_out=scores.shape[1])
    return measure_given(scores, problem, threshold=edge_scores(scores, k), averaging=averaging, ratio=ratio)
