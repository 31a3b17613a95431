"""Further metrics of classification: macro F1, ROC AUC, and the mean of top-1 and top-5."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction
from vlbench.core.errors import Unsupported
from vlbench.core.items import Items, PerImage
from vlbench.core.measurement import Measurement, MetricOptions
from vlbench.core.metric import metric
from vlbench.core.problem import Problem
from vlbench.core.relevance import Relevance
from vlbench.metrics.accuracy import one_class_each, shares
from vlbench.metrics.columns import FloatArray
from vlbench.metrics.common_ranking import within_of_common
from vlbench.metrics.intervals import (
    BY_IMAGES,
    Spread,
    class_spread,
    score_interval,
    share_spread,
)
from vlbench.metrics.outliers import BY_DELONG, auc_spread, share_below
from vlbench.metrics.random_ranks import within_by_chance
from vlbench.metrics.ratios import F1, ratios_by_chance

TOP = 5


def _f1_by_chance(problem: Problem, _: MetricOptions) -> float | None:
    sizes = problem.relevant.column_counts
    found = sizes[sizes > 0]
    if not found.size or problem.asked is not None:
        return None
    return float(ratios_by_chance(F1, found, int(found.sum()), 1 / sizes.size).mean())


def _f1_of_one_class(problem: Problem, _: MetricOptions) -> float | None:
    sizes = problem.relevant.column_counts
    found, largest = np.count_nonzero(sizes), int(sizes.max(initial=0))
    if not found or problem.asked is not None:
        return None
    return 2 * largest / (int(sizes.sum()) + largest) / found


@metric(
    reads={"row_ranks", "best", "best_scores"},
    suits=one_class_each,
    chance=_f1_by_chance,
    constant=_f1_of_one_class,
)
def macro_f1_of_classes(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """F1 of the predicted class, averaged over the classes that have images; the parts are the classes.

    The predicted class is the best one. Where classes tie for the best, it is the first wrong one of them, so
    ties never help. Without ties it equals scikit-learn's macro F1 over the classes that occur. The interval
    is Wilson's with the variance within classes; rare classes borrow variance from others.

    Raises:
        Unsupported: an image has several classes.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> prediction = small_prediction(
    ...     row_ranks=[1, 2, 1],
    ...     best=[[0, 1], [1, 0], [1, 0]],
    ...     best_scores=[[0.9, 0.1], [0.6, 0.4], [0.8, 0.2]],
    ... )
    >>> problem = small_problem([[1, 0], [1, 0], [0, 1]])
    >>> round(macro_f1_of_classes(prediction, problem, MetricOptions()).value, 4)
    0.6667
    """
    relevant = problem.relevant
    ranks = prediction["row_ranks"][relevant.candidates]
    best, scores = prediction["best"], prediction["best_scores"]
    classes, number = relevant.queries, relevant.shape[1]
    predicted = _predicted(best[relevant.candidates], scores[relevant.candidates], classes, ranks)
    true = np.bincount(classes, minlength=number)
    guessed = np.bincount(predicted[predicted >= 0], minlength=number)
    hits = np.bincount(classes[classes == predicted], minlength=number)
    if not classes.size:
        return Measurement(value=None, n=0, left_out=number)
    f1 = np.where(true > 0, 2 * hits / np.maximum(true + guessed, 1), 0.0)
    found = Measurement.mean_of(problem.names, f1, true)
    value = found.value or 0.0
    spread = _spread_of_f1(relevant, predicted, f1)
    influence = None if classes.size < relevant.shape[0] else value + classes.size * spread.influence
    interval = score_interval(value, spread, "Wilson, by the variance within classes")
    return replace(found, influence=influence, **interval)


def two_classes(problem: Problem, metric: str) -> None:
    """Check that a problem has two classes, and each image one.

    Raises:
        Unsupported: it has more or fewer classes, or an image has several.
    """
    if len(problem.queries) != 2:
        raise Unsupported(
            f"{metric} needs two classes, the second of them positive; this task has {len(problem.queries)}; "
            "take it out of the task's metrics"
        )
    one_class_each(problem, metric)


@metric(reads={"best", "best_scores"}, suits=two_classes, chance=lambda *_: 0.5, constant=lambda *_: 0.5)
def roc_auc(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Area under the ROC curve for the second of two classes, by the difference of the two scores.

    The softmax of two scores rises with their difference, so this is also the area for the class's
    probability. Tied images count one half, as in scikit-learn. The area is the fraction of image pairs in
    the right order (Hanley and McNeil 1982, Radiology 143, 29-36). The interval is Wilson's with DeLong's
    variance; `n` counts images. None where a class has no image.

    Raises:
        Unsupported: an image has several classes, or the task does not have two classes.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> prediction = small_prediction(
    ...     best=[[0, 1], [1, 0], [1, 0]], best_scores=[[0.9, 0.1], [0.6, 0.4], [0.8, 0.2]]
    ... )
    >>> roc_auc(prediction, small_problem([[1, 0], [1, 0], [0, 1]]), MetricOptions()).value
    1.0
    """
    relevant = problem.relevant
    best, scores = prediction["best"], prediction["best_scores"]
    gap = scores[:, 0].astype(np.float64) - scores[:, 1]
    margin = np.where(best[:, 0] == 1, gap, -gap)[relevant.candidates]
    order = np.argsort(margin, kind="stable")
    places = [order[relevant.queries[order] == each] for each in (1, 0)]
    positive, negative = (margin[each] for each in places)
    left_out = relevant.shape[0] - margin.size
    if not positive.size or not negative.size:
        return Measurement(value=None, n=margin.size, left_out=left_out)
    above = share_below(negative, positive)  # of negatives, for each positive
    below = 1 - share_below(positive, negative)
    value = float(above.mean())
    influence = np.zeros(margin.size)
    for place, share in zip(places, (above, below), strict=True):
        influence[place] = (share - value) / share.size
    spread = auc_spread(above, below)
    return Measurement(
        value=value,
        n=margin.size,
        left_out=left_out,
        influence=None if left_out or spread is None else value + margin.size * influence,
        **score_interval(value, spread, BY_DELONG),
    )


def _mean_contributions(items: Items, _: float | None) -> PerImage | None:
    if items.image_ranks is None:
        return None
    kept = items.image_ranks[items.image_ranks > 0]
    return shares((kept <= 1).astype(np.int64) + (kept <= TOP), np.full(kept.size, 2))


def _mean_of_two(
    level: Callable[..., float | None], problem: Problem, options: MetricOptions
) -> float | None:
    first, five = (level("candidates", k, problem, options) for k in (1, TOP))
    return None if first is None or five is None else (first + five) / 2


@metric(
    reads={"row_ranks"},
    items=_mean_contributions,
    chance=partial(_mean_of_two, within_by_chance),
    constant=partial(_mean_of_two, within_of_common),
)
def mean_acc1_acc5(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean of acc1 and acc5, which CLIP's paper reports on Kinetics; None with five or fewer classes.

    The interval is Wilson's with the variance over images.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> prediction = small_prediction(row_ranks=[1, 2, 6, 1, 1, 1])
    >>> mean_acc1_acc5(prediction, small_problem(np.eye(6)), MetricOptions()).value
    0.75
    """
    ranks = prediction["row_ranks"]
    kept = ranks[ranks > 0]
    left_out = ranks.size - kept.size
    if len(problem.queries) <= TOP or not kept.size:
        return Measurement(value=None, n=kept.size, left_out=left_out)
    hits = (kept <= 1).astype(np.int64) + (kept <= TOP)
    value = float(hits.mean() / 2)
    interval = score_interval(value, share_spread(hits, np.full(kept.size, 2)), BY_IMAGES)
    return Measurement(value=value, n=kept.size, left_out=left_out, **interval)


def _predicted(
    best: NDArray[np.int64], scores: FloatArray, classes: NDArray[np.int64], ranks: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The predicted class of each image: its own where that alone is best, else the first wrong class among
    the best.

    The order of equal scores in `best` [n, k] depends on the device. The prediction is -1, no class, where
    more classes may tie for the best than are kept.
    """
    tied = scores == scores[:, :1]
    wrong = np.where(tied & (best != classes[:, None]), best, np.iinfo(best.dtype).max).min(axis=1)
    unknown = tied.all(axis=1) & (ranks > best.shape[1])
    return np.where(ranks == 1, classes, np.where(unknown, -1, wrong))


def _spread_of_f1(relevant: Relevance, predicted: NDArray[np.int64], f1: NDArray[np.float64]) -> Spread:
    """The spread of the mean of `f1` [m] over the classes that have images.

    `predicted` [p] are the predicted classes, -1 for none. A class's F1 is twice its hits over the number of
    its true and predicted images, so all of these influence it.
    """
    images, classes = relevant.candidates, relevant.queries
    other = np.flatnonzero((predicted != classes) & (predicted >= 0))
    of_images = np.concatenate([images, images[other]])
    of_classes = np.concatenate([classes, predicted[other]])
    hit = np.concatenate([predicted == classes, np.zeros(other.size, dtype=np.bool_)])
    sums = np.bincount(of_classes, weights=1.0 + hit, minlength=f1.size)
    influence = (2 * hit - f1[of_classes] * (1 + hit)) / sums[of_classes]
    return class_spread(relevant, of_images, of_classes, influence, values=f1)
