"""The 11-point mean average precision of Pascal VOC 2007, as ELEVATER computes it."""

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction
from vlbench.core.measurement import Measurement, MetricOptions
from vlbench.core.metric import ASKED, metric
from vlbench.core.problem import Problem
from vlbench.metrics.average_precision import positive_share
from vlbench.metrics.columns import FloatArray, score_columns

Floats = NDArray[np.float32]


def elevater_11_point(scores: FloatArray, relevant: NDArray[np.bool_]) -> float:
    """ELEVATER's 11-point AP of a class with positives, from its scores [n] and its truth [n].

    It is the mean, over recalls r = 1, 0.9 ... 0, of the best precision at recall >= r. The curve ends at
    recall 0 with precision 1, so the term for r = 0 is always 1.
    Source: vision-evaluation 0.2.9.

    >>> round(elevater_11_point(np.array([2.0, 1.0]), np.array([False, True])), 6)
    0.545455
    """
    ordered = np.sort(scores)
    right = np.sort(scores[relevant])
    cuts = np.unique(right)  # only there does recall grow, and precision is best
    hits = right.size - np.searchsorted(right, cuts)
    precision = np.append(hits / (ordered.size - np.searchsorted(ordered, cuts)), 1.0)
    recall = np.append(hits / right.size, 0.0)
    return float(np.mean([precision[recall >= level].max() for level in np.linspace(1, 0, 11)]))


def resampled_eleven_points(right: Floats, found: Floats, reached: Floats) -> Floats:
    """The 11-point AP of a tag in every resample, [r]; the term for recall 0 is 1."""
    precision = found / np.maximum(reached, 1)
    best = np.maximum.accumulate(precision[::-1], axis=0)[::-1]  # at this recall or more
    total = np.ones(found.shape[1], dtype=np.float32)
    for tenths in range(1, 11):
        first = np.argmax(10 * found >= tenths * found[-1], axis=0)
        total += best[first, np.arange(len(first))]
    values: Floats = total / np.float32(11)
    return values


def eleven_points_of_one_score(problem: Problem, options: MetricOptions) -> float | None:
    """The 11-point AP of scores that are equal for all images, averaged over the tags that have positives.

    Precision is the share of positives at every recall but 0, where it is 1.

    >>> from vlbench.core.small_problem import small_problem
    >>> round(eleven_points_of_one_score(small_problem([[0], [1]]), MetricOptions()), 6)
    0.545455
    """
    share = positive_share(problem, options)
    return None if share is None else (10 * share + 1) / 11


@metric(reads={"scores", ASKED}, resample=resampled_eleven_points, constant=eleven_points_of_one_score)
def eleven_point_mean_average_precision(
    prediction: Prediction, problem: Problem, options: MetricOptions
) -> Measurement:
    """11-point AP of each tag, averaged over the tags that have positives.

    There is no interval; the parts are the tags. A tag's AP is the mean, over the recalls 0, 0.1 ... 1, of
    the best precision at that recall or above; recall 0 has precision 1. `n` counts the tags with positives.

    Raises:
        NotFinite: a score is NaN or infinite.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> prediction = small_prediction(scores=[[2.0], [1.0]])
    >>> problem = small_problem([[0], [1]])
    >>> round(eleven_point_mean_average_precision(prediction, problem, MetricOptions()).value, 6)
    0.545455
    """
    values = np.full(len(problem.queries), np.nan)
    for column in score_columns(prediction["scores"], problem.relevant, problem.asked):
        if column.positives.size:
            values[column.index] = elevater_11_point(column.scores, column.truth)
    return Measurement.mean_of(problem.names, values, problem.relevant.column_counts)
