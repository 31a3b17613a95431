"""Accuracy of classification: top-1, top-5 and the mean over classes, from the ranks of the right class."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction
from vlbench.core.errors import Unsupported
from vlbench.core.items import Contributions, Items, Reading
from vlbench.core.measurement import Measurement, MetricOptions, Part
from vlbench.core.metric import metric
from vlbench.core.problem import Problem
from vlbench.metrics.class_weights import Pairs, class_spread
from vlbench.metrics.intervals import Interval, score_interval
from vlbench.metrics.item_values import hits_within
from vlbench.metrics.ranks import proportion_within, worst_rank


@dataclass(frozen=True, slots=True)
class ClassHits:
    """Images of each class that are right, and all images of it, [m] each."""

    hits: NDArray[np.int64]
    sizes: NDArray[np.int64]

    @property
    def recall(self) -> NDArray[np.float64]:
        """Fraction of each class's images that are right, [m]; NaN for a class without images."""
        shares = np.full(self.sizes.size, np.nan)
        np.divide(self.hits, self.sizes, out=shares, where=self.sizes > 0)
        return shares


def class_hits(ranks: NDArray[np.int64], classes: NDArray[np.int64], *, number: int) -> ClassHits:
    """Count images and right images (rank 1) of each of `number` classes; ranks and classes are [n].

    >>> class_hits(np.array([1, 2, 1]), np.array([0, 0, 2]), number=3).recall.tolist()
    [0.5, nan, 1.0]
    """
    return ClassHits(
        hits=np.bincount(classes[ranks == 1], minlength=number).astype(np.int64),
        sizes=np.bincount(classes, minlength=number).astype(np.int64),
    )


@metric(reads={"row_ranks"}, items=lambda items, _: hits_within(items, 1))
def acc1(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of images whose class scores above every other class; Wilson interval."""
    worst = worst_rank(problem.row_asked, problem.relevant.row_counts)
    return proportion_within(prediction["row_ranks"], 1, worst=worst)


@metric(reads={"row_ranks"}, items=lambda items, _: hits_within(items, 5))
def acc5(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of images whose class is among the best five; None up to five classes; Wilson interval."""
    worst = worst_rank(problem.row_asked, problem.relevant.row_counts)
    return proportion_within(prediction["row_ranks"], 5, worst=worst)


def one_class_each(problem: Problem, metric: str) -> None:
    """Check that no image has several classes.

    Raises:
        Unsupported: one has; it is named.
    """
    counts = problem.relevant.row_counts
    several = np.flatnonzero(counts > 1)
    if several.size:
        raise Unsupported(
            f"image {several[0]} has {counts[several[0]]} classes where "
            f"{metric} needs one; use a tagging metric, or acc1"
        )


def _class_contributions(items: Items, _: float | None) -> Reading | None:
    if items.image_ranks is None or items.classes is None:
        return None
    __, classes, sizes = np.unique(items.classes, return_inverse=True, return_counts=True)
    most = (items.classes.size / (sizes.size * sizes))[classes]
    right = items.image_ranks == 1
    return Contributions("within classes", most * right, most, right)


@metric(reads={"row_ranks"}, suits=one_class_each, items=_class_contributions)
def mean_per_class_recall(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean over the classes that have images of the fraction of a class's images that are right.

    `n` counts those classes, `left_out` the classes without images; the parts are the classes. The
    interval is Wilson's by the variance within classes, where rare classes borrow from others.

    Raises:
        Unsupported: an image has several classes.
    """
    ranks = prediction["row_ranks"]
    relevant = problem.relevant
    counted = class_hits(ranks[relevant.candidates], relevant.queries, number=relevant.shape[1])
    recall = counted.recall
    found = counted.sizes > 0
    value = float(recall[found].mean()) if found.any() else None
    interval = Interval()
    if value is not None:
        hits = ((ranks[relevant.candidates] == 1) - recall[relevant.queries]) / counted.sizes[
            relevant.queries
        ]
        pairs = Pairs(relevant.candidates, relevant.queries)
        spread = class_spread(relevant, pairs, hits, values=recall)
        interval = score_interval(value, spread, "Wilson, by the variance within classes")
    return Measurement(
        value=value,
        n=int(found.sum()),
        ci_low=interval.low,
        ci_high=interval.high,
        ci_method=interval.method,
        left_out=int((~found).sum()),
        parts=tuple(
            Part(name, float(share) if size else None, int(size))
            for name, share, size in zip(problem.names, recall, counted.sizes, strict=True)
        ),
    )
