"""Thresholds with the best F1 on a validation split. The scores that are then measured are never used."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction
from vlbench.core.errors import DataError
from vlbench.core.measurement import Measurement, MetricOptions, Part
from vlbench.core.metric import ASKED, metric
from vlbench.core.problem import Asked, Problem
from vlbench.core.relevance import Relevance
from vlbench.metrics.columns import FloatArray, score_columns
from vlbench.metrics.thresholds import people_threshold


@dataclass(frozen=True, slots=True)
class ChosenThresholds:
    """Scores above which a tag is predicted: one for all tags together, and one for each tag, [m].

    A tag without positives on the validation split has the shared threshold.
    """

    shared: float
    tags: NDArray[np.float64]


def best_f1_thresholds(
    scores: FloatArray, relevant: Relevance, asked: Asked | None = None
) -> ChosenThresholds:
    """Thresholds with the best F1 on validation scores [n, m]: best micro F1 for the shared one, best F1 for
    each tag.

    A threshold is halfway between the lowest predicted score and the next one below, or equals the latter
    where the precision of the scores has no value between. Where several are equally good, it is the highest.

    Raises:
        DataError: scores and truth differ in shape, or no tag is true of a validation image.
        NotFinite: a score is NaN or infinite.

    >>> truth = Relevance.from_pairs(np.array([0, 2]), np.array([0, 0]), (3, 1))
    >>> best_f1_thresholds(np.array([[4.0], [1.0], [2.0]]), truth).tags
    array([1.5])
    """
    m = relevant.shape[1]
    tags = np.full(m, np.nan)
    decided: list[tuple[FloatArray, NDArray[np.bool_]]] = []
    for column in score_columns(scores, relevant, asked):
        if column.positives.size:
            tags[column.index] = _best(column.scores, column.truth)
            decided.append((column.scores, column.truth))
    if not decided:
        raise DataError("no image of the validation split has any of the tags; choose another split")
    # tags without positives are left out of micro F1, as in thresholds.py
    shared = _best(*map(np.concatenate, zip(*decided, strict=True)))
    return ChosenThresholds(shared, np.where(np.isnan(tags), shared, tags))


@metric(reads={"scores", ASKED}, least=None, most=None)
def best_f1_threshold(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """The threshold with the best micro F1; the parts are those with the best F1 of each tag.

    Values are not fractions: all are in the units that people state (a cosine, a probability). A tag without
    positives has the shared one.

    Raises:
        DataError, NotFinite: as `best_f1_thresholds`.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> prediction = small_prediction(scores=[[4.0], [1.0], [2.0]])
    >>> best_f1_threshold(prediction, small_problem([[1], [0], [1]]), MetricOptions()).value
    1.5
    """
    scores = prediction["scores"]
    chosen = best_f1_thresholds(scores, problem.relevant, problem.asked)
    unit, counts = prediction.unit, problem.relevant.column_counts
    parts = tuple(
        Part(name, people_threshold(float(threshold), unit), int(count))
        for name, threshold, count in zip(problem.names, chosen.tags, counts, strict=True)
    )
    tags = int(np.count_nonzero(counts))
    shared = people_threshold(chosen.shared, unit)
    return Measurement(value=shared, n=tags, left_out=len(parts) - tags, parts=parts)


def _best(scores: FloatArray, positive: NDArray[np.bool_]) -> float:
    """The threshold with the best F1 of scores [n] with truth [n], which has a positive."""
    order = np.argsort(scores)[::-1]
    ordered = scores[order].astype(np.float64)
    # everything that scores the same is given together: only the last of equal scores is a cut
    last = np.append(ordered[1:] < ordered[:-1], True)
    given = np.flatnonzero(last) + 1
    hits = np.cumsum(positive[order])[last]
    f1 = 2 * hits / (given + positive.sum())
    best = int(np.argmax(f1))
    lowest = given[best] - 1
    below = ordered[lowest + 1] if lowest + 1 < ordered.size else ordered[lowest] - 1.0
    halfway = (ordered[lowest] + below) / 2
    if scores.dtype.type(halfway) in (ordered[lowest], below):
        halfway = below
    return float(halfway)
