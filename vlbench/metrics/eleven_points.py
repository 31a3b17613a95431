"""The 11-point mean average precision of Pascal VOC 2007, as ELEVATER computes it."""

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction
from vlbench.core.measurement import Measurement, MetricOptions, Part
from vlbench.core.metric import ASKED, metric
from vlbench.core.problem import Problem
from vlbench.metrics.columns import score_columns
from vlbench.metrics.published import elevater_11_point

Floats = NDArray[np.float32]


def resampled_eleven_points(right: Floats, found: Floats, reached: Floats) -> Floats:
    """The 11-point AP of a tag in every resample, [r]; its term of recall 0 is 1."""
    precision = found / np.maximum(reached, 1)
    best = np.maximum.accumulate(precision[::-1], axis=0)[::-1]  # at this recall or more
    total = np.ones(found.shape[1], dtype=np.float32)
    for tenths in range(1, 11):
        first = np.argmax(10 * found >= tenths * found[-1], axis=0)
        total += best[first, np.arange(len(first))]
    values: Floats = total / np.float32(11)
    return values


@metric(reads={"scores", ASKED}, resample=resampled_eleven_points)
def eleven_point_mean_average_precision(
    prediction: Prediction, problem: Problem, options: MetricOptions
) -> Measurement:
    """Mean over the tags that have positives of their 11-point AP, the parts; no interval.

    A tag's AP is the mean over the recalls 0, 0.1 ... 1 of the best precision at that recall or more, where
    recall 0 has precision 1 (`elevater_11_point` in published.py). `n` counts the tags with positives.

    Raises:
        NotFinite: a score is NaN or infinite.
    """
    scores = prediction["scores"]
    counts = problem.relevant.column_counts
    values = np.full(len(problem.queries), np.nan)
    for column in score_columns(scores, problem.relevant, problem.asked):
        truth = np.zeros((len(column.scores), 1), dtype=np.bool_)
        truth[column.positives] = True
        values[column.index] = elevater_11_point(column.scores[:, None], truth)[0]
    parts = tuple(
        Part(name, float(value) if count else None, int(count))
        for name, value, count in zip(problem.names, values, counts, strict=True)
    )
    found = counts > 0
    return Measurement(
        value=float(values[found].mean()) if found.any() else None,
        n=int(found.sum()),
        left_out=int((~found).sum()),
        parts=parts,
    )
