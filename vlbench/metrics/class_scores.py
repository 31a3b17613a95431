"""Metrics of classification that few data sets ask for: macro F1, ROC AUC, mean of top-1 and top-5."""

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction, Problem
from vlbench.core.errors import Unsupported
from vlbench.core.measurement import Measurement, MetricOptions, Part
from vlbench.metrics.accuracy import one_class_each
from vlbench.metrics.intervals import bootstrap_share, infinitesimal_jackknife, jackknife, pseudo_values
from vlbench.metrics.ranks import measured
from vlbench.metrics.requirements import best_scores, refuse_number, row_ranks

TOP = 5


def macro_f1_of_classes(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean F1 of the predicted class over the classes that have images; the parts are the classes.

    An image's predicted class is its best one; where the right class only ties for the best it is the
    other, so ties never help. Equals scikit-learn's macro F1 over the classes that occur. The interval is
    an infinitesimal jackknife over images.

    Raises:
        DataError: an image has several classes.
        Unsupported: the task's scoring kept no best classes.
    """
    name = "macro_f1_of_classes"
    refuse_number(options, metric=name)
    relevant = one_class_each(problem.relevant, metric=name)
    ranks = row_ranks(prediction, metric=name)[relevant.images]
    best, _ = best_scores(prediction, metric=name)
    classes, number = relevant.texts, relevant.shape[1]
    predicted = _predicted(best[relevant.images], classes, ranks)
    true, guessed = (np.bincount(each, minlength=number) for each in (classes, predicted))
    hits = np.bincount(classes[classes == predicted], minlength=number)
    found = true > 0
    if not found.any():
        return Measurement(value=None, n=0, left_out=number)
    sums = np.maximum(true + guessed, 1)
    f1 = np.where(found, 2 * hits / sums, 0.0)
    loss = np.where(found, f1 / sums, 0.0)  # what one image more in the denominator costs a class
    gain = np.where(classes == predicted, 2 / sums[classes], 0.0)
    influence = (gain - loss[classes] - loss[predicted]) / found.sum()
    value = float(f1[found].mean())
    interval = infinitesimal_jackknife(value, influence)
    return Measurement(
        value=value,
        n=int(found.sum()),
        ci_low=interval.low,
        ci_high=interval.high,
        ci_method=interval.method,
        left_out=int((~found).sum()),
        parts=tuple(
            Part(text.name, float(each) if size else None, int(size))
            for text, each, size in zip(problem.texts, f1, true, strict=True)
        ),
        influence=None if influence.size < relevant.shape[0] else value + influence.size * influence,
    )


def roc_auc(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Area under the ROC curve of the second of two classes, by the difference of the two scores.

    The softmax of two scores rises with their difference, so this is the area of the class's probability
    too; tied images count one half, as in scikit-learn. The interval is a jackknife over images; `n` counts
    images. None where a class has no image. The area is the share of pairs in order (Hanley and McNeil 1982,
    Radiology 143, 29-36).

    Raises:
        DataError: an image has several classes.
        Unsupported: the task has not two classes, or its scoring kept no scores.
    """
    refuse_number(options, metric="roc_auc")
    if len(problem.texts) != 2:
        raise Unsupported(
            f"roc_auc needs two classes, the second of them positive; this task has {len(problem.texts)}; "
            "take it out of the task's metrics"
        )
    relevant = one_class_each(problem.relevant, metric="roc_auc")
    best, scores = best_scores(prediction, metric="roc_auc")
    gap = scores[:, 0].astype(np.float64) - scores[:, 1]
    margin = np.where(best[:, 0] == 1, gap, -gap)[relevant.images]
    order = np.argsort(margin, kind="stable")
    places = [order[relevant.texts[order] == each] for each in (1, 0)]
    positive, negative = (margin[each] for each in places)
    left_out = relevant.shape[0] - margin.size
    if not positive.size or not negative.size:
        return Measurement(value=None, n=margin.size, left_out=left_out)
    above = _share_below(negative, positive)  # of negatives, for each positive
    below = 1 - _share_below(positive, negative)
    value = float(above.mean())
    replicates = np.empty(margin.size)
    for place, share in zip(places, (above, below), strict=True):
        replicates[place] = _without_each(value, share)
    interval = jackknife(value, replicates)
    return Measurement(
        value=value,
        n=margin.size,
        ci_low=interval.low,
        ci_high=interval.high,
        ci_method=interval.method,
        left_out=left_out,
        influence=None if left_out else pseudo_values(value, replicates),
    )


def mean_acc1_acc5(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean of acc1 and acc5, which CLIP's paper reports of Kinetics; None up to five classes.

    The interval is a bootstrap over images.
    """
    refuse_number(options, metric="mean_acc1_acc5")
    ranks = row_ranks(prediction, metric="mean_acc1_acc5")
    kept = measured(ranks)
    left_out = ranks.size - kept.size
    if len(problem.texts) <= TOP or not kept.size:
        return Measurement(value=None, n=kept.size, left_out=left_out)
    hits = (kept <= 1).astype(np.int64) + (kept <= TOP)
    interval = bootstrap_share(hits, np.full(kept.size, 2), seed=options.seed)
    return Measurement(
        value=float(hits.mean() / 2),
        n=kept.size,
        ci_low=interval.low,
        ci_high=interval.high,
        ci_method=interval.method,
        left_out=left_out,
    )


def _predicted(
    best: NDArray[np.int64], classes: NDArray[np.int64], ranks: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The class that each image is taken for: its best, or the next where the right one only ties."""
    tied = (best[:, 0] == classes) & (ranks > 1)
    return np.where(tied, best[:, min(1, best.shape[1] - 1)], best[:, 0])


def _share_below(others: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The fraction of others (ascending) below each value, ties counted one half.

    >>> _share_below(np.array([0.0, 1.0]), np.array([1.0, 2.0])).tolist()
    [0.75, 1.0]
    """
    left, right = (np.searchsorted(others, values, side=side) for side in ("left", "right"))
    return np.asarray((left + right) / (2 * others.size), dtype=np.float64)


def _without_each(mean: float, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of shares without each of them; NaN where one is all there is.

    >>> _without_each(0.5, np.array([0.0, 1.0])).tolist()
    [1.0, 0.0]
    """
    if shares.size == 1:
        return np.full(1, np.nan)
    return np.asarray((mean * shares.size - shares) / (shares.size - 1), dtype=np.float64)
