"""What the items say of a metric, image by image: hits, or what each image adds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlbench.core.items import Indices, Items
from vlbench.core.metric_name import split_metric

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Hits:
    """A share of the images: right or wrong [n] of every image that has something right."""

    right: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Contributions:
    """What each image adds to a metric, [n], with the metric as its mean, and how much it could add, [n].

    `most` is what it would add if all that hangs on it were right: 1 where images count alike. `right` says
    which images are right where nothing else hangs on an image. Of pseudo-values the mean is the metric up to
    the jackknife's bias alone: they are `biased`.
    """

    method: str
    values: Floats
    most: Floats
    right: NDArray[np.bool_] | None = None
    biased: bool = False


Reading = Hits | Contributions


def read_metric(metric: str, items: Items) -> Reading | None:
    """What items say of their task's primary metric; None where they say nothing.

    >>> read_metric("acc1", Items(image_ranks=np.array([1, 0, 3]))).right.tolist()
    [True, False]
    """
    name, at = split_metric(metric)
    found = _READERS[name](items, at) if name in _READERS else None
    if found is None and items.influence is not None:
        values = items.influence.astype(np.float64)
        return Contributions("over images", values, np.ones(values.size), biased=True)
    return found


def _acc1(items: Items, at: float | None) -> Reading | None:  # noqa: ARG001
    return _within(items, 1)


def _acc5(items: Items, at: float | None) -> Reading | None:  # noqa: ARG001
    return _within(items, 5)


def _text_retrieval_recall(items: Items, at: float | None) -> Reading | None:
    return None if at is None else _within(items, at)


def _within(items: Items, most: float) -> Reading | None:
    ranks = items.image_ranks
    return None if ranks is None else Hits(ranks[ranks > 0] <= most)


def _image_retrieval_recall(items: Items, at: float | None) -> Reading | None:
    if items.text_ranks is None or items.text_images is None or items.image_ranks is None or at is None:
        return None
    kept = items.text_ranks > 0
    owners, n = items.text_images, len(items.image_ranks)
    hits = np.bincount(owners[kept & (items.text_ranks <= at)], minlength=n)
    sizes = np.bincount(owners[kept], minlength=n)
    return _shares(hits[sizes > 0], sizes[sizes > 0])


def _mean_acc1_acc5(items: Items, at: float | None) -> Reading | None:  # noqa: ARG001
    if items.image_ranks is None:
        return None
    kept = items.image_ranks[items.image_ranks > 0]
    return _shares((kept <= 1).astype(np.int64) + (kept <= 5), np.full(kept.size, 2))


def _mean_per_class_recall(items: Items, at: float | None) -> Reading | None:  # noqa: ARG001
    if items.image_ranks is None or items.classes is None:
        return None
    _, classes, sizes = np.unique(items.classes, return_inverse=True, return_counts=True)
    most = (items.classes.size / (sizes.size * sizes))[classes]
    right = items.image_ranks == 1
    return Contributions("within classes", most * right, most, right)


def _shares(hits: Indices, sizes: Indices) -> Reading | None:
    """A share of what hangs on the images: hits [n] of sizes [n], such as captions found."""
    if not sizes.size:
        return None
    most = sizes.size * sizes / sizes.sum()
    return Contributions("over images", most * (hits / sizes), most)


_READERS: Mapping[str, Callable[[Items, float | None], Reading | None]] = {
    "acc1": _acc1,
    "acc5": _acc5,
    "mean_acc1_acc5": _mean_acc1_acc5,
    "mean_per_class_recall": _mean_per_class_recall,
    "image_retrieval_recall": _image_retrieval_recall,
    "text_retrieval_recall": _text_retrieval_recall,
}
"""Metrics that are made of ranks; others bring pseudo-values of their own, or none."""
