"""Mean average precision of tags, and its delete-one jackknife in closed form.

AP is not interpolated: it is the mean, over a tag's positives s, of (positives scoring >= s) / (all scoring
>= s). Tied scores count together, so their order does not matter.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction
from vlbench.core.measurement import Measurement, MetricOptions
from vlbench.core.metric import ASKED, metric
from vlbench.core.problem import Asked, Problem
from vlbench.core.relevance import Relevance
from vlbench.metrics.columns import Column, FloatArray, pairs_of, score_columns
from vlbench.metrics.intervals import jackknife_spread, pseudo_values, score_interval
from vlbench.metrics.random_ranks import mean_precision

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DeleteOne:
    """AP of each tag [m], NaN without positives; mAP without image i [n], NaN where no tag is left."""

    values: NDArray[np.float64]
    replicates: NDArray[np.float64]


def average_precision(scores: FloatArray, relevant: NDArray[np.bool_]) -> NDArray[np.float64]:
    """AP of each column of scores [n, m] against the truth [n, m]: [m], NaN for a column without positives.

    It equals scikit-learn's `average_precision_score` on each column. With positives at ranks 1 and 3, AP is
    (1 + 2/3) / 2:

    >>> average_precision(np.array([[3.0], [2.0], [1.0]]), np.array([[True], [False], [True]]))
    array([0.83333333])

    Raises:
        NotFinite: a score is NaN or infinite.
    """
    values = np.full(scores.shape[1], np.nan)
    for column in score_columns(scores, pairs_of(relevant)):
        if column.positives.size:
            right = np.sort(column.scores[column.positives])
            values[column.index] = _precisions(np.sort(column.scores), right).mean()
    return values


def delete_one(scores: FloatArray, relevant: Relevance, asked: Asked | None = None) -> DeleteOne:
    """AP of every tag, and the mAP with each image left out, in O(n log n) a tag.

    Where an image is a tag's only positive, the mean without that image leaves out the tag.

    Raises:
        NotFinite: a score is NaN or infinite.
    """
    n, m = relevant.shape
    values = np.full(m, np.nan)
    change = np.zeros(n)
    lost = np.zeros(n, dtype=np.int64)
    for column in score_columns(scores, relevant, asked):
        if column.positives.size == 0:
            continue
        own = change[column.images]
        values[column.index] = _add_changes(column, own)
        change[column.images] = own
        if column.positives.size == 1:
            lost[column.at(column.positives)] += 1
    tags = np.count_nonzero(~np.isnan(values)) - lost
    replicates = np.full(n, np.nan)
    np.divide(np.nansum(values) + change, tags, out=replicates, where=tags > 0)
    return DeleteOne(values, replicates)


def resampled_precision(right: Floats, found: Floats, reached: Floats) -> Floats:
    """AP of a tag in every resample, [r].

    The arguments are counts at the tag's distinct scores, highest first, [levels, r]: `right` positives at
    this score, `found` positives at it or above, `reached` images at it or above.
    """
    values: Floats = np.einsum("kr,kr->r", right, found / np.maximum(reached, 1)) / np.maximum(found[-1], 1)
    return values


def precision_by_chance(problem: Problem, _: MetricOptions) -> float | None:
    """The expected AP of random scores, averaged over the tags that have positives.

    >>> from vlbench.core.small_problem import small_problem
    >>> precision_by_chance(small_problem([[1, 0], [0, 0]]), MetricOptions())
    0.75
    """
    counts = problem.relevant.column_counts
    values = mean_precision(problem.asked_counts("queries"), counts)[counts > 0]
    return float(values.mean()) if values.size else None


def positive_share(problem: Problem, _: MetricOptions) -> float | None:
    """The share of a tag's images that have it, averaged over the tags that have positives.

    It is the AP of scores that are equal for all images.

    >>> from vlbench.core.small_problem import small_problem
    >>> positive_share(small_problem([[1, 0], [0, 0]]), MetricOptions())
    0.5
    """
    counts = problem.relevant.column_counts
    shares = (counts / np.maximum(problem.asked_counts("queries"), 1))[counts > 0]
    return float(shares.mean()) if shares.size else None


@metric(
    reads={"scores", ASKED},
    resample=resampled_precision,
    chance=precision_by_chance,
    constant=positive_share,
)
def mean_average_precision(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """AP of each tag, averaged over the tags that have positives; the parts are the tags' APs.

    `n` counts those tags, `left_out` the tags without positives. The interval is Wilson's with the variance
    of a jackknife over images, since the tags share their images. It is an interval for the mAP of as many
    images; on fewer images mAP is higher.

    Raises:
        NotFinite: a score is NaN or infinite.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> prediction = small_prediction(scores=[[3.0], [2.0], [1.0]])
    >>> round(mean_average_precision(prediction, small_problem([[1], [0], [1]]), MetricOptions()).value, 4)
    0.8333
    """
    deleted = delete_one(prediction["scores"], problem.relevant, problem.asked)
    counts = problem.relevant.column_counts
    found = Measurement.mean_of(problem.names, deleted.values, counts)
    if found.value is None:
        return found
    # tags of few positives vary as much as so many images
    images = float(found.n) ** 2 / float(np.sum(1 / counts[counts > 0]))
    spread = jackknife_spread(deleted.replicates, images=images)
    interval = score_interval(found.value, spread, "Wilson, by the jackknife over images")
    influence = None if spread is None else pseudo_values(found.value, deleted.replicates)
    return replace(found, influence=influence, **interval)


def _precisions(ordered: FloatArray, right: FloatArray) -> NDArray[np.float64]:
    """Precision at the score of each positive, [p]. Both arguments are ascending.

    `ordered` contains `right`.
    """
    at_least = ordered.size - np.searchsorted(ordered, right)
    right_at_least = right.size - np.searchsorted(right, right)
    return np.asarray(right_at_least / at_least, dtype=np.float64)


def _add_changes(column: Column, change: NDArray[np.float64]) -> float:
    """AP of a tag. Adds to `change` [k] the change of the AP without each image that the tag is asked about.

    With a = all and r = positives scoring >= s, precision at s is r / a. Without a negative scoring >= s
    it is r / (a - 1), without another positive (r - 1) / (a - 1); images scoring < s leave it alone. So
    each image's change is a sum over the positives up to its score.
    """
    p = column.positives.size
    positives = column.positives[np.argsort(column.scores[column.positives])]
    right = column.scores[positives]
    # images below every positive change nothing and need no place
    reached = np.flatnonzero(column.scores >= right[0])
    scores = column.scores[reached]
    order = np.argsort(scores)
    places = np.searchsorted(scores[order], right)
    at_least = reached.size - places
    right_at_least = p - np.searchsorted(right, right)
    precisions = right_at_least / at_least
    value = float(precisions.mean())

    others = np.maximum(at_least - 1, 1)  # a positive alone at the top is followed by no other image
    gains = np.bincount(places, weights=precisions / others, minlength=reached.size)
    as_negative = np.cumsum(gains) / p
    change[reached[order]] += as_negative
    # equal scores share their sum, so a positive's is the one at its place
    as_positive = _without_positive(right, precisions, (right_at_least - 1) / others) - value
    change[positives] += as_positive - as_negative[places]
    return value


def _without_positive(
    right: FloatArray, precisions: NDArray[np.float64], reduced: NDArray[np.float64]
) -> NDArray[np.float64]:
    """AP without each positive, [p]: those above it keep their precision, the others have the reduced one.

    0 for a tag with one positive.
    """
    p = right.size
    if p == 1:
        return np.zeros(1)
    upto = np.searchsorted(right, right, side="right")
    kept = np.concatenate([[0.0], np.cumsum(precisions)])
    lowered = np.concatenate([[0.0], np.cumsum(reduced)])
    return np.asarray((kept[-1] - kept[upto] + lowered[upto] - reduced) / (p - 1), dtype=np.float64)
