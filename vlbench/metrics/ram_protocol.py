"""RAM's own mAP, precision and recall as metrics, for comparison with its published numbers.

They are the definitions of published.py: the order of equal scores counts, a tag without positives is 0 and
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
from vlbench.metrics.published import ram_average_precision, ram_precision_recall
from vlbench.metrics.thresholds import score_threshold

OfTag = Callable[[FloatArray, NDArray[np.bool_]], np.float64]
"""What is made of a tag's scores and truth, [k, 1] each."""


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
        lambda scores, relevant: ram_precision_recall(scores >= cut, relevant).precision[0],
    )


@metric(reads={"scores", ASKED}, at="threshold", needs_at=True)
def ram_recall(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean over all tags of RAM's recall at a threshold: a tag is given from there on."""
    cut = _cut(prediction, options)
    return _mean(
        prediction, problem, lambda scores, relevant: ram_precision_recall(scores >= cut, relevant).recall[0]
    )


def _cut(prediction: Prediction, options: MetricOptions) -> np.float32 | np.float64:
    """The threshold in the precision of the scores."""
    scores: FloatArray = prediction["scores"]
    return scores.dtype.type(score_threshold(options.number, prediction.unit))


def _mean(prediction: Prediction, problem: Problem, value: OfTag) -> Measurement:
    """The mean over the tags that are asked of some image."""
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
