"""RAM's own mAP, precision and recall as metrics, for comparison with its published numbers.

They are the definitions of published.py: the order of equal scores counts, a tag without positives is 0 and
part of the mean, and a tag is given at its threshold, not only above it. No intervals.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction
from vlbench.core.measurement import Measurement, MetricOptions, Part
from vlbench.core.metric import metric
from vlbench.core.problem import Problem
from vlbench.core.relevance import Relevance
from vlbench.metrics.columns import FloatArray, score_columns
from vlbench.metrics.published import PrecisionRecall, ram_average_precision, ram_precision_recall
from vlbench.metrics.thresholds import score_threshold


@dataclass(frozen=True, slots=True)
class _Tag:
    """Scores and truth of one tag, [n, 1] each."""

    scores: FloatArray
    relevant: NDArray[np.bool_]


@metric(reads={"scores"})
def ram_mean_average_precision(
    prediction: Prediction, problem: Problem, options: MetricOptions
) -> Measurement:
    """Mean over all tags of RAM's AP, which ranks equal scores with the last image first.

    Raises:
        NotFinite: a score is NaN or infinite.
    """
    scores = prediction["scores"]
    values = [ram_average_precision(tag.scores, tag.relevant)[0] for tag in _tags(scores, problem.relevant)]
    return _mean(values, problem)


@metric(reads={"scores"}, at="threshold", needs_at=True)
def ram_precision(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean over all tags of RAM's precision at a threshold: a tag is given from there on."""
    found = _at_threshold(prediction, problem, options)
    return _mean([each.precision[0] for each in found], problem)


@metric(reads={"scores"}, at="threshold", needs_at=True)
def ram_recall(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean over all tags of RAM's recall at a threshold: a tag is given from there on."""
    found = _at_threshold(prediction, problem, options)
    return _mean([each.recall[0] for each in found], problem)


def _at_threshold(prediction: Prediction, problem: Problem, options: MetricOptions) -> list[PrecisionRecall]:
    threshold = score_threshold(options.number, prediction.unit)
    scores = prediction["scores"]
    cut = scores.dtype.type(threshold)
    return [ram_precision_recall(tag.scores >= cut, tag.relevant) for tag in _tags(scores, problem.relevant)]


def _tags(scores: FloatArray, relevant: Relevance) -> Iterator[_Tag]:
    for column in score_columns(scores, relevant):
        truth = np.zeros((column.scores.size, 1), dtype=np.bool_)
        truth[column.positives] = True
        yield _Tag(column.scores[:, None], truth)


def _mean(values: list[np.float64], problem: Problem) -> Measurement:
    counts = problem.relevant.column_counts
    parts = tuple(
        Part(name, float(value), int(count))
        for name, value, count in zip(problem.names, values, counts, strict=True)
    )
    if not values:
        return Measurement(value=None, n=0)
    return Measurement(value=float(np.mean(values)), n=len(values), parts=parts)
