"""Retrieval in both directions: recall at k and median rank, from the ranks of the right candidates.

Image retrieval searches for each caption's image, text retrieval for any of an image's captions. The names
are those of CLIP_benchmark: image_retrieval_recall is text-to-image recall, t2i R@k.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction
from vlbench.core.items import Items, PerImage
from vlbench.core.measurement import Measurement, MetricOptions
from vlbench.core.metric import metric
from vlbench.core.problem import Problem
from vlbench.metrics.accuracy import hits_within, images_within, proportion_within, shares
from vlbench.metrics.common_ranking import median_of_common, within_of_common
from vlbench.metrics.intervals import BY_IMAGES, bootstrap_median, score_interval, share_spread
from vlbench.metrics.random_ranks import median_by_chance, within_by_chance


def _caption_contributions(items: Items, at: float | None) -> PerImage | None:
    if items.text_ranks is None or items.text_images is None or items.image_ranks is None or at is None:
        return None
    kept = items.text_ranks > 0
    owners, n = items.text_images, len(items.image_ranks)
    hits = np.bincount(owners[kept & (items.text_ranks <= at)], minlength=n)
    sizes = np.bincount(owners[kept], minlength=n)
    return shares(hits[sizes > 0], sizes[sizes > 0])


@metric(
    reads={"column_ranks"},
    at="k",
    needs_at=True,
    items=_caption_contributions,
    chance=partial(within_by_chance, "queries", None),
    constant=partial(within_of_common, "queries", None),
)
def image_retrieval_recall(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of captions whose image is among the best k; None with k or fewer images.

    The interval is Wilson's with the variance over images, since captions of one image are correlated. A
    caption that is true of several images counts for the first.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 1, 0], [0, 0, 1]])
    >>> image_retrieval_recall(small_prediction(column_ranks=[1, 2, 1]), problem, MetricOptions(at=1)).n
    3
    >>> prediction = small_prediction(column_ranks=[1, 1, 2, 1])
    >>> image_retrieval_recall(prediction, small_problem(np.eye(4)), MetricOptions(at=1)).value
    0.75
    """
    k, relevant = int(options.number), problem.relevant
    ranks = prediction["column_ranks"]
    found = proportion_within(ranks, k, asked=problem.asked_counts("queries"), right=relevant.column_counts)
    if found.value is None:
        return found
    kept, owner, images = ranks > 0, relevant.first_candidates, relevant.shape[0]
    spread = share_spread(
        np.bincount(owner[kept & (ranks <= k)], minlength=images),
        np.bincount(owner[kept], minlength=images),
    )
    interval = score_interval(found.value, spread, BY_IMAGES)
    return Measurement(value=found.value, n=found.n, left_out=found.left_out, **interval)


@metric(
    reads={"row_ranks"},
    at="k",
    needs_at=True,
    items=hits_within,
    chance=partial(within_by_chance, "candidates", None),
    constant=partial(within_of_common, "candidates", None),
)
def text_retrieval_recall(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of images that have one of their captions among the best k; Wilson interval.

    None where an image has so many captions that one of them is always among the best k.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> prediction = small_prediction(row_ranks=[1, 2, 4, 1])
    >>> text_retrieval_recall(prediction, small_problem(np.eye(4)), MetricOptions(at=2)).value
    0.75
    """
    return images_within(prediction, problem, int(options.number))


@metric(
    reads={"column_ranks"},
    lower_is_better=True,
    most=None,
    chance=partial(median_by_chance, "queries"),
    constant=partial(median_of_common, "queries"),
)
def image_retrieval_median_rank(
    prediction: Prediction, problem: Problem, options: MetricOptions
) -> Measurement:
    """Median rank of a caption's image, over captions. It is a rank; 1 is the best.

    The interval is a bootstrap over images, from six images on. A caption that is true of several images
    counts for the first.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> prediction = small_prediction(column_ranks=[1, 2, 4])
    >>> image_retrieval_median_rank(prediction, small_problem(np.eye(3)), MetricOptions()).value
    2.0
    """
    return _median(prediction["column_ranks"], problem.relevant.first_candidates, seed=options.seed)


@metric(
    reads={"row_ranks"},
    lower_is_better=True,
    most=None,
    chance=partial(median_by_chance, "candidates"),
    constant=partial(median_of_common, "candidates"),
)
def text_retrieval_median_rank(
    prediction: Prediction, problem: Problem, options: MetricOptions
) -> Measurement:
    """Median rank of an image's best caption, over images. It is a rank; 1 is the best.

    The interval is a bootstrap over images, from six images on.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> prediction = small_prediction(row_ranks=[1, 2, 4])
    >>> text_retrieval_median_rank(prediction, small_problem(np.eye(3)), MetricOptions()).value
    2.0
    """
    return _median(prediction["row_ranks"], np.arange(problem.relevant.shape[0]), seed=options.seed)


def _median(ranks: NDArray[np.int64], images: NDArray[np.int64], *, seed: int) -> Measurement:
    """The median of ranks and its interval; rank j belongs to images[j]."""
    kept = ranks[ranks > 0]
    return Measurement(
        value=float(np.median(kept)) if kept.size else None,
        n=kept.size,
        left_out=ranks.size - kept.size,
        **bootstrap_median(kept, images[ranks > 0], seed=seed),
    )
