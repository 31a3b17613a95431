"""Precision, recall and F1 of tags at a threshold: macro (mean over tags) and micro (over all decisions).

A tag is given where its score exceeds the threshold, strictly, in the precision of the scores: the number
behind the metric's @, or without one those of the run for each tag (stated, chosen, or the model's own);
where there are none nothing is measured. Only tags with positives count; one that is never given has
precision 0.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction, Problem, ScoreUnit
from vlbench.core.measurement import Measurement, MetricOptions
from vlbench.core.relevance import Relevance
from vlbench.metrics.columns import FloatArray, score_columns
from vlbench.metrics.intervals import Interval, infinitesimal_jackknife
from vlbench.metrics.requirements import score_matrix, stated_threshold

Averaging = Literal["macro", "micro"]
Threshold = float | FloatArray
"""One score, or an array of them that spreads to [n, m]: [m] for tags, [n, 1] for images."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A measure as a ratio: `hits` x right decisions / (`given` x tags given + `true` x tags true)."""

    name: str
    hits: int
    given: int
    true: int


PRECISION = Ratio("precision", hits=1, given=1, true=0)
RECALL = Ratio("recall", hits=1, given=0, true=1)
F1 = Ratio("f1", hits=2, given=1, true=1)


@dataclass(frozen=True, slots=True)
class Linearised:
    """Ratios with the influence of each image's weight on their mean, [n].

    `values` are [m] for macro, NaN for tags without positives, and [1] for micro. `formed` says whether any
    denominator was above 0.
    """

    values: NDArray[np.float64]
    influence: NDArray[np.float64]
    formed: bool


def score_threshold(stated: float, unit: ScoreUnit) -> float:
    """A threshold in people's units as a score: a cosine scaled, a probability as a logit.

    Every score passes a probability of 0 or less, none one of 1 or more.

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
    """The threshold in people's units that is a score: the inverse of `score_threshold`.

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
    """A threshold for each tag in people's units, [m], as scores, [m].

    >>> score_thresholds([0.5, 1.0], ScoreUnit("probability"))
    array([ 0., inf])
    """
    return np.array([score_threshold(each, unit) for each in stated], dtype=np.float64)


def macro(scores: FloatArray, relevant: Relevance, *, threshold: Threshold, ratio: Ratio) -> Linearised:
    """The ratio of every tag, and the influence of each image on the mean over tags with positives.

    `threshold` is one number, or an array that spreads to [n, m]: [m] for tags, [n, 1] for images.

    >>> pairs = Relevance.from_pairs(np.array([0, 1]), np.array([0, 0]), (3, 1))
    >>> scores = np.array([[2.0], [0.0], [2.0]])
    >>> macro(scores, pairs, threshold=1.0, ratio=PRECISION).values
    array([0.5])
    """
    n, m = relevant.shape
    values = np.full(m, np.nan)
    influence = np.zeros(n)
    formed = False
    tags = max(int(np.count_nonzero(relevant.column_counts)), 1)
    cuts = _spread(threshold, scores)
    for column in score_columns(scores, relevant):
        if column.positives.size == 0:
            continue
        given = column.scores > cuts[:, column.index]
        hits = column.positives[given[column.positives]]
        whole = ratio.given * np.count_nonzero(given) + ratio.true * column.positives.size
        values[column.index] = value = ratio.hits * hits.size / whole if whole else 0.0
        if whole:
            formed = True
            influence[hits] += ratio.hits / (whole * tags)
            influence[given] -= value * ratio.given / (whole * tags)
            influence[column.positives] -= value * ratio.true / (whole * tags)
    return Linearised(values, influence, formed)


def micro(scores: FloatArray, relevant: Relevance, *, threshold: Threshold, ratio: Ratio) -> Linearised:
    """The ratio over all decisions on tags with positives, and the influence of each image on it.

    `threshold` is as for `macro`.

    >>> pairs = Relevance.from_pairs(np.array([0, 1, 1]), np.array([0, 0, 1]), (2, 2))
    >>> scores = np.array([[2.0, 2.0], [2.0, 0.0]])
    >>> micro(scores, pairs, threshold=1.0, ratio=RECALL).values
    array([0.66666667])
    """
    n = relevant.shape[0]
    parts = np.zeros(n)
    wholes = np.zeros(n)
    cuts = _spread(threshold, scores)
    for column in score_columns(scores, relevant):
        if column.positives.size == 0:
            continue
        given = column.scores > cuts[:, column.index]
        parts[column.positives[given[column.positives]]] += ratio.hits
        wholes[given] += ratio.given
        wholes[column.positives] += ratio.true
    whole = float(wholes.sum())
    if whole == 0:
        return Linearised(np.zeros(1), np.zeros(n), formed=False)
    value = float(parts.sum()) / whole
    return Linearised(np.array([value]), (parts - value * wholes) / whole, formed=True)


def macro_precision(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean over tags of the fraction of the images given a tag that have it."""
    return _measure(prediction, problem, options, averaging="macro", ratio=PRECISION)


def macro_recall(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean over tags of the fraction of the images that have a tag that are given it."""
    return _measure(prediction, problem, options, averaging="macro", ratio=RECALL)


def macro_f1(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean over tags of the harmonic mean of a tag's precision and recall."""
    return _measure(prediction, problem, options, averaging="macro", ratio=F1)


def micro_precision(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of all given tags that are true."""
    return _measure(prediction, problem, options, averaging="micro", ratio=PRECISION)


def micro_recall(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of all true tags that are given."""
    return _measure(prediction, problem, options, averaging="micro", ratio=RECALL)


def micro_f1(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Harmonic mean of micro precision and recall."""
    return _measure(prediction, problem, options, averaging="micro", ratio=F1)


def measure_given(
    scores: FloatArray, problem: Problem, *, threshold: Threshold, averaging: Averaging, ratio: Ratio
) -> Measurement:
    """Value and interval over the tags with positives; no interval where no ratio could be formed."""
    tags = int(np.count_nonzero(problem.relevant.column_counts))
    left_out = problem.relevant.shape[1] - tags
    if tags == 0:
        return Measurement(value=None, n=0, left_out=left_out)
    linearise = macro if averaging == "macro" else micro
    found = linearise(scores, problem.relevant, threshold=threshold, ratio=ratio)
    value = float(np.nanmean(found.values))
    interval = infinitesimal_jackknife(value, found.influence) if found.formed else Interval()
    return Measurement(
        value=value,
        n=tags,
        ci_low=interval.low,
        ci_high=interval.high,
        ci_method=interval.method,
        left_out=left_out,
        influence=value + found.influence.size * found.influence if found.formed else None,
    )


def _measure(
    prediction: Prediction,
    problem: Problem,
    options: MetricOptions,
    *,
    averaging: Averaging,
    ratio: Ratio,
) -> Measurement:
    metric = f"{averaging}_{ratio.name}"
    scores = score_matrix(prediction, metric=metric)
    threshold: Threshold
    if options.at is not None:
        threshold = score_threshold(stated_threshold(options, metric=metric), prediction.unit)
    elif prediction.thresholds is not None:
        threshold = score_thresholds(prediction.thresholds.tolist(), prediction.unit)
    else:
        return Measurement(value=None, n=0, left_out=problem.relevant.shape[1])
    return measure_given(scores, problem, threshold=threshold, averaging=averaging, ratio=ratio)


def _spread(threshold: Threshold, scores: FloatArray) -> FloatArray:
    """A threshold for every score, [n, m], in the scores' own precision; a view, not a copy."""
    spread: FloatArray = np.broadcast_to(np.asarray(threshold, dtype=scores.dtype), scores.shape)
    return spread
