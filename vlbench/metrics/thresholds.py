"""Precision, recall and F1 of tags at a threshold: macro (mean over tags) and micro (over all decisions).

A tag is predicted where its score is strictly above the threshold, in the precision of the scores. The
threshold is the number after the metric's @; without one, each tag has that of the run (stated, learned, or
the model's own). Where there are no thresholds, nothing is measured. Only tags with positives count; a tag
that is never predicted has precision 0.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.measurement import Measurement, MetricOptions
from vlbench.core.metric import ASKED, metric
from vlbench.core.problem import Asked, Problem
from vlbench.core.relevance import Relevance
from vlbench.metrics.columns import Column, FloatArray, score_columns
from vlbench.metrics.intervals import BY_IMAGES, Spread, class_spread, image_spread, score_interval
from vlbench.metrics.ratios import F1, PRECISION, RECALL, Averaging, Ratio, same_tags

Threshold = float | FloatArray
"""A score, or an array of scores that broadcasts to [n, m]: [m] for tags, [n, 1] for images."""


@dataclass(frozen=True, slots=True)
class Linearised:
    """Ratios, the influence of each image on their mean, [n], and the spread of that mean.

    `values` are [m] for macro, NaN for tags without positives, and [1] for micro. The spread follows from the
    influences, except that tags with few images borrow variance from others.
    """

    values: NDArray[np.float64]
    influence: NDArray[np.float64]
    spread: Spread


def score_threshold(stated: float, unit: ScoreUnit) -> float:
    """Convert a threshold in the units that people state to a score: scale a cosine, take a probability's
    logit.

    Every score is above a probability of 0 or less, and none above one of 1 or more.

    >>> score_threshold(0.25, ScoreUnit("cosine", scale=100.0))
    25.0
    >>> round(score_threshold(0.68, ScoreUnit("probability")), 6)
    0.753772
    """
    if unit.kind == "cosine":
        return stated * unit.scale + unit.bias
    if stated <= 0:
        return -math.inf
    return math.inf if stated >= 1 else math.log(stated) - math.log1p(-stated)


def people_threshold(score: float, unit: ScoreUnit) -> float:
    """Convert a score to a threshold in the units that people state: the inverse of `score_threshold`.

    >>> people_threshold(25.0, ScoreUnit("cosine", scale=100.0))
    0.25
    >>> people_threshold(0.0, ScoreUnit("probability"))
    0.5
    """
    if unit.kind == "cosine":
        return (score - unit.bias) / unit.scale
    if score < 0:
        return math.exp(score) / (1 + math.exp(score))
    # a probability of 1 is passed by none
    return min(1 / (1 + math.exp(-score)), math.nextafter(1, 0))


def score_thresholds(stated: Sequence[float], unit: ScoreUnit) -> NDArray[np.float64]:
    """Convert a threshold for each tag [m], in the units that people state, to scores [m].

    >>> score_thresholds([0.5, 1.0], ScoreUnit("probability"))
    array([ 0., inf])
    """
    return np.array([score_threshold(each, unit) for each in stated], dtype=np.float64)


def macro(
    scores: FloatArray,
    relevant: Relevance,
    *,
    threshold: Threshold,
    ratio: Ratio,
    asked: Asked | None = None,
) -> Linearised:
    """The ratio of every tag, and the influence of each image on the mean over tags with positives.

    `threshold` is a number, or an array that broadcasts to [n, m]: [m] for tags, [n, 1] for images.

    >>> pairs = Relevance.from_pairs(np.array([0, 1]), np.array([0, 0]), (3, 1))
    >>> scores = np.array([[2.0], [0.0], [2.0]])
    >>> macro(scores, pairs, threshold=1.0, ratio=PRECISION).values
    array([0.5])
    """
    n, m = relevant.shape
    values = np.full(m, np.nan)
    images: list[NDArray[np.int64]] = []
    tags: list[NDArray[np.int64]] = []
    influences: list[NDArray[np.float64]] = []
    for column, part, whole in _decisions(scores, relevant, threshold, ratio, asked):
        sums = max(whole.sum(), 1.0)
        values[column.index] = value = part.sum() / sums
        reached = np.flatnonzero(whole)
        images.append(column.at(reached))
        tags.append(np.full(reached.size, column.index))
        influences.append(((part - value * whole) / sums)[reached])
    if not any(each.size for each in images):
        return Linearised(values, np.zeros(n), Spread(np.zeros(n), 0.0, 0.0))
    of_images, influence = np.concatenate(images), np.concatenate(influences)
    whole_influence = np.bincount(of_images, weights=influence / len(images), minlength=n)
    spread = class_spread(relevant, of_images, np.concatenate(tags), influence, values=values)
    return Linearised(values, whole_influence.astype(np.float64), spread)


def micro(
    scores: FloatArray,
    relevant: Relevance,
    *,
    threshold: Threshold,
    ratio: Ratio,
    asked: Asked | None = None,
) -> Linearised:
    """The ratio over all decisions on tags with positives, and the influence of each image on it.

    `threshold` is as for `macro`.

    >>> pairs = Relevance.from_pairs(np.array([0, 1, 1]), np.array([0, 0, 1]), (2, 2))
    >>> scores = np.array([[2.0, 2.0], [2.0, 0.0]])
    >>> micro(scores, pairs, threshold=1.0, ratio=RECALL).values
    array([0.66666667])
    """
    n = relevant.shape[0]
    parts, wholes = np.zeros(n), np.zeros(n)
    for column, part, whole in _decisions(scores, relevant, threshold, ratio, asked):
        parts[column.images] += part
        wholes[column.images] += whole
    sums = float(wholes.sum())
    value = float(parts.sum()) / max(sums, 1.0)
    influence = (parts - value * wholes) / max(sums, 1.0)
    return Linearised(np.array([value]), influence, image_spread(influence, wholes > 0))


@metric(reads={"scores", ASKED}, at="threshold", constant=partial(same_tags, "macro", PRECISION))
def macro_precision(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Precision of each tag, the fraction of the images predicted to have it that do, averaged over tags.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 1], [1, 0], [0, 0]])
    >>> prediction = small_prediction(scores=[[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    >>> macro_precision(prediction, problem, MetricOptions(at=0.5)).value
    0.25
    """
    return _measure(prediction, problem, options, "macro", PRECISION)


@metric(reads={"scores", ASKED}, at="threshold", constant=partial(same_tags, "macro", RECALL))
def macro_recall(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Recall of each tag, the fraction of its images for which it is predicted, averaged over tags.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 1], [1, 0], [0, 0]])
    >>> prediction = small_prediction(scores=[[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    >>> macro_recall(prediction, problem, MetricOptions(at=0.5)).value
    0.25
    """
    return _measure(prediction, problem, options, "macro", RECALL)


@metric(reads={"scores", ASKED}, at="threshold", constant=partial(same_tags, "macro", F1))
def macro_f1(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """F1 of each tag, the harmonic mean of its precision and recall, averaged over tags.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 1], [1, 0], [0, 0]])
    >>> prediction = small_prediction(scores=[[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    >>> macro_f1(prediction, problem, MetricOptions(at=0.5)).value
    0.25
    """
    return _measure(prediction, problem, options, "macro", F1)


@metric(reads={"scores", ASKED}, at="threshold", constant=partial(same_tags, "micro", PRECISION))
def micro_precision(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of predicted tags that are true. Predictions of tags without positives do not count.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 1], [1, 0], [0, 0]])
    >>> prediction = small_prediction(scores=[[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    >>> micro_precision(prediction, problem, MetricOptions(at=0.15)).value
    0.4
    """
    return _measure(prediction, problem, options, "micro", PRECISION)


@metric(reads={"scores", ASKED}, at="threshold", constant=partial(same_tags, "micro", RECALL))
def micro_recall(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of all true tags that are predicted.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 1], [1, 0], [0, 0]])
    >>> prediction = small_prediction(scores=[[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    >>> micro_recall(prediction, problem, MetricOptions(at=0.15)).value
    0.6666666666666666
    """
    return _measure(prediction, problem, options, "micro", RECALL)


@metric(reads={"scores", ASKED}, at="threshold", constant=partial(same_tags, "micro", F1))
def micro_f1(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Harmonic mean of micro precision and micro recall.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 1], [1, 0], [0, 0]])
    >>> prediction = small_prediction(scores=[[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    >>> micro_f1(prediction, problem, MetricOptions(at=0.15)).value
    0.5
    """
    return _measure(prediction, problem, options, "micro", F1)


def measure_given(
    scores: FloatArray, problem: Problem, *, threshold: Threshold, averaging: Averaging, ratio: Ratio
) -> Measurement:
    """Value and interval over the tags with positives; no interval where no ratio exists."""
    tags = int(np.count_nonzero(problem.relevant.column_counts))
    left_out = problem.relevant.shape[1] - tags
    if tags == 0:
        return Measurement(value=None, n=0, left_out=left_out)
    linearise = macro if averaging == "macro" else micro
    found = linearise(scores, problem.relevant, threshold=threshold, ratio=ratio, asked=problem.asked)
    value = float(np.nanmean(found.values))
    influence = found.spread.influence
    return Measurement(
        value=value,
        n=tags,
        left_out=left_out,
        influence=value + influence.size * influence if found.spread.images else None,
        **score_interval(value, found.spread, BY_IMAGES),
    )


def _measure(
    prediction: Prediction, problem: Problem, options: MetricOptions, averaging: Averaging, ratio: Ratio
) -> Measurement:
    scores = prediction["scores"]
    threshold: Threshold
    if options.at is not None:
        threshold = score_threshold(options.number, prediction.unit)
    elif "thresholds" in prediction.arrays:
        threshold = score_thresholds(prediction["thresholds"].tolist(), prediction.unit)
    else:
        return Measurement(value=None, n=0, left_out=problem.relevant.shape[1])
    return measure_given(scores, problem, threshold=threshold, averaging=averaging, ratio=ratio)


def _decisions(
    scores: FloatArray, relevant: Relevance, threshold: Threshold, ratio: Ratio, asked: Asked | None
) -> Iterator[tuple[Column, NDArray[np.float64], NDArray[np.float64]]]:
    """The tags with positives, each with what every image adds to numerator and denominator of its ratio,
    [k]."""
    # a threshold for every score, in the scores' own precision; a view, not a copy
    cuts = np.broadcast_to(np.asarray(threshold, dtype=scores.dtype), scores.shape)
    for column in score_columns(scores, relevant, asked):
        if column.positives.size:
            given = column.scores > cuts[column.images, column.index]
            true = column.truth
            whole = ratio.given * given.astype(np.float64) + ratio.true * true
            yield column, ratio.hits * (given & true).astype(np.float64), whole
