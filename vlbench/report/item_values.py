"""What the items say of a metric, image by image: hits, shares, or pseudo-values."""

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
class Shares:
    """A share of what hangs on the images: hits [n] of sizes [n], such as captions found."""

    hits: Indices
    sizes: Indices

    @property
    def pseudo_values(self) -> Floats:
        """Linearised: their mean is the share, [n]."""
        share = self.hits.sum() / self.sizes.sum()
        return np.asarray(
            share + len(self.hits) * (self.hits - share * self.sizes) / self.sizes.sum(), dtype=np.float64
        )


@dataclass(frozen=True, slots=True)
class ClassShares:
    """A mean over classes of the share of a class's images: right or wrong [n], and the classes [n]."""

    right: NDArray[np.bool_]
    classes: Indices

    @property
    def pseudo_values(self) -> Floats:
        """Linearised within classes, [n]: their mean is the mean of the shares, their variance that of a
        stratified sample. A class of one image shows no variation and adds none."""
        n = len(self.classes)
        _, classes, sizes = np.unique(self.classes, return_inverse=True, return_counts=True)
        shares = np.bincount(classes, weights=self.right) / sizes
        few = np.sqrt(sizes / np.maximum(sizes - 1, 1))
        weights = (n / (sizes.size * sizes) * few)[classes]
        return np.asarray(shares.mean() + weights * (self.right - shares[classes]), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Influences:
    """Pseudo-values of the images, as the metric itself gave them, [n]."""

    pseudo_values: Floats


Reading = Hits | Shares | ClassShares | Influences


def read_metric(metric: str, items: Items) -> Reading | None:
    """What items say of their task's primary metric; None where they say nothing.

    >>> read_metric("acc1", Items(image_ranks=np.array([1, 0, 3]))).right.tolist()
    [True, False]
    """
    name, at = split_metric(metric)
    found = _READERS[name](items, at) if name in _READERS else None
    if found is None and items.influence is not None:
        return Influences(items.influence.astype(np.float64))
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
    captioned = sizes > 0
    return Shares(hits[captioned], sizes[captioned]) if captioned.any() else None


def _mean_acc1_acc5(items: Items, at: float | None) -> Reading | None:  # noqa: ARG001
    if items.image_ranks is None:
        return None
    kept = items.image_ranks[items.image_ranks > 0]
    return Shares((kept <= 1).astype(np.int64) + (kept <= 5), np.full(kept.size, 2)) if kept.size else None


def _mean_per_class_recall(items: Items, at: float | None) -> Reading | None:  # noqa: ARG001
    if items.image_ranks is None or items.classes is None:
        return None
    return ClassShares(items.image_ranks == 1, items.classes)


_READERS: Mapping[str, Callable[[Items, float | None], Reading | None]] = {
    "acc1": _acc1,
    "acc5": _acc5,
    "mean_acc1_acc5": _mean_acc1_acc5,
    "mean_per_class_recall": _mean_per_class_recall,
    "image_retrieval_recall": _image_retrieval_recall,
    "text_retrieval_recall": _text_retrieval_recall,
}
"""Metrics that are made of ranks; others bring pseudo-values of their own, or none."""
