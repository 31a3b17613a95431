"""Precision, recall and F1 of tags, where each image is predicted to have its k best tags; macro and micro.

The predicted tags of an image are those that score above its (k + 1)-th best score. Equal scores at that edge
are all left out, so ties never help. With k or fewer tags, nothing is measured. The k best are taken among
all tags; where the truth of some is unknown they cannot be, so no metric here reads `asked`.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from vlbench.core.contracts import Prediction
from vlbench.core.measurement import Measurement, MetricOptions
from vlbench.core.metric import Measure, Metric, metric
from vlbench.core.problem import Problem
from vlbench.metrics.columns import FloatArray
from vlbench.metrics.ratios import F1, PRECISION, RECALL, Averaging, Ratio, same_tags, top_by_chance
from vlbench.metrics.thresholds import measure_given

_SCORES_AT_ONCE = 1 << 22


def edge_scores(scores: FloatArray, k: int) -> FloatArray:
    """The (k + 1)-th best score of each image, [n, 1], from scores [n, m]; minus infinity where m <= k.

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


def _top(averaging: Averaging, ratio: Ratio) -> Callable[[Measure], Metric]:
    """Make a metric of each image's k best tags."""
    return metric(
        reads={"scores"},
        at="k",
        needs_at=True,
        chance=partial(top_by_chance, averaging, ratio),
        constant=partial(same_tags, averaging, ratio, top=True),
    )


@_top("macro", PRECISION)
def macro_precision_top(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Precision of each tag, averaged over tags, if each image is predicted to have its k best tags.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 1], [1, 0], [0, 0]])
    >>> prediction = small_prediction(scores=[[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    >>> macro_precision_top(prediction, problem, MetricOptions(at=1)).value
    0.25
    """
    return _measure(prediction, problem, options, "macro", PRECISION)


@_top("macro", RECALL)
def macro_recall_top(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Recall of each tag, averaged over tags, if each image is predicted to have its k best tags.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 1], [1, 0], [0, 0]])
    >>> prediction = small_prediction(scores=[[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    >>> macro_recall_top(prediction, problem, MetricOptions(at=1)).value
    0.25
    """
    return _measure(prediction, problem, options, "macro", RECALL)


@_top("macro", F1)
def macro_f1_top(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """F1 of each tag, averaged over tags, if each image is predicted to have its k best tags.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 1], [1, 0], [0, 0]])
    >>> prediction = small_prediction(scores=[[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    >>> macro_f1_top(prediction, problem, MetricOptions(at=1)).value
    0.25
    """
    return _measure(prediction, problem, options, "macro", F1)


@_top("micro", PRECISION)
def micro_precision_top(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of the k best tags of all images that are true.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 1], [1, 0], [0, 0]])
    >>> prediction = small_prediction(scores=[[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    >>> micro_precision_top(prediction, problem, MetricOptions(at=1)).value
    0.3333333333333333
    """
    return _measure(prediction, problem, options, "micro", PRECISION)


@_top("micro", RECALL)
def micro_recall_top(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of all true tags that are among the k best of their image.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 1], [1, 0], [0, 0]])
    >>> prediction = small_prediction(scores=[[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    >>> micro_recall_top(prediction, problem, MetricOptions(at=1)).value
    0.3333333333333333
    """
    return _measure(prediction, problem, options, "micro", RECALL)


@_top("micro", F1)
def micro_f1_top(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Harmonic mean of micro precision and micro recall of each image's k best tags.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 1], [1, 0], [0, 0]])
    >>> prediction = small_prediction(scores=[[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    >>> micro_f1_top(prediction, problem, MetricOptions(at=1)).value
    0.3333333333333333
    """
    return _measure(prediction, problem, options, "micro", F1)


def _measure(
    prediction: Prediction, problem: Problem, options: MetricOptions, averaging: Averaging, ratio: Ratio
) -> Measurement:
    k = int(options.number)
    scores = prediction["scores"]
    if k >= scores.shape[1]:
        return Measurement(value=None, n=0, left_out=scores.shape[1])
    return measure_given(scores, problem, threshold=edge_scores(scores, k), averaging=averaging, ratio=ratio)
