"""Fractions of ranks, and accuracies made of them: top-1, top-5, mean over classes, worst class.

Rank 1 is the best. Rank 0 means that nothing right exists; it is left out.
"""

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction
from vlbench.core.errors import Unsupported
from vlbench.core.items import Contributions, Indices, Items, PerImage
from vlbench.core.measurement import Measurement, MetricOptions, Part
from vlbench.core.metric import metric
from vlbench.core.problem import Problem
from vlbench.metrics.binomial import mean_lowest_share
from vlbench.metrics.common_ranking import within_of_common
from vlbench.metrics.intervals import class_spread, score_interval, wilson
from vlbench.metrics.random_ranks import within_by_chance


def worst_rank(candidates: NDArray[np.int64] | int, right: NDArray[np.int64]) -> int:
    """The worst rank that any of n queries can have, among `candidates` (a number, or [n]) with `right` [n]
    right ones.

    A query has its worst rank where all wrong candidates come first. A query without a right candidate has no
    rank.

    >>> worst_rank(100, np.array([1, 1])), worst_rank(5, np.array([5])), worst_rank(6, np.array([0, 2]))
    (100, 1, 5)
    >>> worst_rank(np.array([15, 10, 2]), np.array([1, 1, 0]))
    10
    """
    wrong = (candidates - right)[right > 0]
    return int(wrong.min(initial=np.max(candidates, initial=1) - 1)) + 1


def proportion_within(
    ranks: NDArray[np.int64], k: int, *, asked: NDArray[np.int64] | int, right: NDArray[np.int64]
) -> Measurement:
    """The fraction of queries whose rank [n] is at most k, with Wilson's interval for independent queries.

    `n` counts the queries that have something right, `left_out` the others. The value is None where nothing
    was measured, or where no query could be wrong, with `right` [n] right ones among `asked` candidates.

    >>> proportion_within(np.array([1, 3, 0]), 1, asked=4, right=np.array([1, 1, 0])).value
    0.5
    >>> proportion_within(np.array([1, 2]), 5, asked=5, right=np.array([1, 1])).value is None
    True
    """
    kept = ranks[ranks > 0]
    left_out = ranks.size - kept.size
    if k >= worst_rank(asked, right) or not kept.size:
        return Measurement(value=None, n=kept.size, left_out=left_out)
    value = float(np.mean(kept <= k))
    return Measurement(value=value, n=kept.size, left_out=left_out, **wilson(value, kept.size))


def images_within(prediction: Prediction, problem: Problem, k: int) -> Measurement:
    """The fraction of images that have a right text among their best k; Wilson interval."""
    right = problem.relevant.row_counts
    return proportion_within(
        prediction["row_ranks"], k, asked=problem.asked_counts("candidates"), right=right
    )


def hits_within(items: Items, most: float | None) -> PerImage | None:
    """Whether each image has a right text among its best `most`; None where the items keep no ranks.

    >>> hits_within(Items(image_ranks=np.array([1, 0, 3])), 1)
    array([ True, False])
    """
    ranks = items.image_ranks
    return None if ranks is None or most is None else ranks[ranks > 0] <= most


def shares(hits: Indices, sizes: Indices) -> PerImage | None:
    """What each image contributes to a share: hits [n] of sizes [n], such as the found captions of an image.

    >>> shares(np.array([1, 2]), np.array([2, 2])).values
    array([0.5, 1. ])
    """
    if not sizes.size:
        return None
    most = sizes.size * sizes / sizes.sum()
    return Contributions("over images", most * (hits / sizes), most)


def class_recall(
    ranks: NDArray[np.int64], classes: NDArray[np.int64], *, number: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The fraction of right images (rank 1) of each class, and how many images it has, [m] each.

    Ranks and classes are [n]; `number` is m. A class without images has NaN.

    >>> class_recall(np.array([1, 2, 1]), np.array([0, 0, 2]), number=3)
    (array([0.5, nan, 1. ]), array([2, 0, 1]))
    """
    sizes = np.bincount(classes, minlength=number).astype(np.int64)
    shares = np.full(number, np.nan)
    np.divide(np.bincount(classes[ranks == 1], minlength=number), sizes, out=shares, where=sizes > 0)
    return shares, sizes


@metric(
    reads={"row_ranks"},
    items=lambda items, _: hits_within(items, 1),
    chance=partial(within_by_chance, "candidates", 1),
    constant=partial(within_of_common, "candidates", 1),
)
def acc1(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of images whose class scores above every other class; Wilson interval.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> acc1(small_prediction(row_ranks=[1, 2]), small_problem([[1, 0], [0, 1]]), MetricOptions()).value
    0.5
    """
    return images_within(prediction, problem, 1)


@metric(
    reads={"row_ranks"},
    items=lambda items, _: hits_within(items, 5),
    chance=partial(within_by_chance, "candidates", 5),
    constant=partial(within_of_common, "candidates", 5),
)
def acc5(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of images whose class is among the best five; Wilson interval. None with five or fewer.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> prediction = small_prediction(row_ranks=[1, 2, 6, 1, 1, 1])
    >>> round(acc5(prediction, small_problem(np.eye(6)), MetricOptions()).value, 4)
    0.8333
    """
    return images_within(prediction, problem, 5)


def one_class_each(problem: Problem, metric: str) -> None:
    """Check that no image has several classes.

    Raises:
        Unsupported: an image has several; the message names it.
    """
    counts = problem.relevant.row_counts
    several = np.flatnonzero(counts > 1)
    if several.size:
        raise Unsupported(
            f"image {several[0]} has {counts[several[0]]} classes where "
            f"{metric} needs one; use a tagging metric, or acc1"
        )


def _class_contributions(items: Items, _: float | None) -> PerImage | None:
    if items.image_ranks is None or items.classes is None:
        return None
    __, classes, sizes = np.unique(items.classes, return_inverse=True, return_counts=True)
    most = (items.classes.size / (sizes.size * sizes))[classes]
    right = items.image_ranks == 1
    return Contributions("within classes", most * right, most, right)


def _one_of_classes(problem: Problem, _: MetricOptions, *, seen: bool) -> float | None:
    """1 / the number of classes, or of those that have images (`seen`)."""
    sizes = problem.relevant.column_counts
    count = np.count_nonzero(sizes)
    return None if problem.asked is not None or not count else 1 / (count if seen else sizes.size)


def _lowest_by_chance(problem: Problem, _: MetricOptions) -> float | None:
    sizes = problem.relevant.column_counts
    if problem.asked is not None or not sizes.any():
        return None
    return mean_lowest_share(sizes[sizes > 0], 1 / sizes.size)


def _lowest_of_one_class(problem: Problem, _: MetricOptions) -> float | None:
    count = np.count_nonzero(problem.relevant.column_counts)
    return None if problem.asked is not None or not count else float(count == 1)


@metric(
    reads={"row_ranks"},
    suits=one_class_each,
    items=_class_contributions,
    chance=partial(_one_of_classes, seen=False),
    constant=partial(_one_of_classes, seen=True),
)
def mean_per_class_recall(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of right images in each class, averaged over the classes that have images.

    `n` counts those classes, `left_out` the classes without images; the parts are the classes. The interval
    is Wilson's with the variance within classes; rare classes borrow variance from others.

    Raises:
        Unsupported: an image has several classes.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 0], [1, 0], [0, 1]])
    >>> mean_per_class_recall(small_prediction(row_ranks=[1, 2, 1]), problem, MetricOptions()).value
    0.75
    """
    relevant = problem.relevant
    images, classes = relevant.candidates, relevant.queries
    ranks = prediction["row_ranks"][images]
    recall, sizes = class_recall(ranks, classes, number=relevant.shape[1])
    found = Measurement.mean_of(problem.names, recall, sizes)
    if found.value is None:
        return found
    influence = ((ranks == 1) - recall[classes]) / sizes[classes]
    spread = class_spread(relevant, images, classes, influence, values=recall)
    interval = score_interval(found.value, spread, "Wilson, by the variance within classes")
    return replace(found, **interval)


@metric(reads={"row_ranks"}, suits=one_class_each, chance=_lowest_by_chance, constant=_lowest_of_one_class)
def worst_class_accuracy(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """The lowest fraction of right images in a class, over the classes that have images.

    `n` counts those classes, `left_out` those without images; the part is the worst class, the first one
    where several are equally bad. The interval is Wilson's for that class, as if it had been chosen
    beforehand.

    Raises:
        Unsupported: an image has several classes.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 0], [1, 0], [0, 1]])
    >>> worst_class_accuracy(small_prediction(row_ranks=[1, 2, 1]), problem, MetricOptions()).value
    0.5
    """
    relevant = problem.relevant
    ranks = prediction["row_ranks"][relevant.candidates]
    recall, sizes = class_recall(ranks, relevant.queries, number=relevant.shape[1])
    classes = int((sizes > 0).sum())
    left_out = sizes.size - classes
    if not classes:
        return Measurement(value=None, n=0, left_out=left_out)
    worst = int(np.nanargmin(recall))
    value, size = float(recall[worst]), int(sizes[worst])
    return Measurement(
        value=value,
        n=classes,
        left_out=left_out,
        parts=(Part(problem.names[worst], value, size),),
        **wilson(value, size, method="Wilson, of the worst class"),
    )
