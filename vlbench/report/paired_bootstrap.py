"""Paired bootstrap over images: both models are measured on the same resampled images.

A resample weighs every image by how often it was drawn, so that what hangs on an image (its captions, its
tags) is drawn with it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vlbench.core.relevance import Relevance

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

RESAMPLES = 1000
_WEIGHTS = 1 << 20
"""Weights drawn at a time (4 MiB)."""
_LEVELS = 1 << 10
"""Distinct scores of positives that are measured at a time."""

Floats = NDArray[np.float32]
Differences = NDArray[np.float64]
"""B - A in every resample; NaN in one in which nothing can be measured."""


def recall_differences(
    hits_a: NDArray[np.int64],
    hits_b: NDArray[np.int64],
    sizes: NDArray[np.int64],
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> Differences:
    """Resampled differences of sum(hits) / sum(sizes); hits [n] are those of an image's sizes [n] captions.

    Images alike in gain and size are interchangeable, so a resample is one multinomial draw over the
    distinct pairs.
    """
    kept = sizes > 0
    pairs = np.stack([(hits_b - hits_a)[kept], sizes[kept]])
    kinds, counts = np.unique(pairs, axis=1, return_counts=True)
    images = int(counts.sum())
    if not images:
        return np.full(resamples, np.nan)
    draws = np.random.default_rng(seed).multinomial(images, counts / images, size=resamples)
    gains, whole = (draws @ kinds.T).T
    return np.asarray(gains / whole, dtype=np.float64)


def map_differences(
    scores_a: Floats, scores_b: Floats, relevant: Relevance, *, seed: int, resamples: int = RESAMPLES
) -> Differences:
    """Resampled differences of mean average precision, scores [n, m] each.

    A tag without a positive in a resample is left out of both models. One pass of a sparse matrix product
    counts, for all resamples at once, the images between the scores of a tag's positives.
    """
    n = len(scores_a)
    models = [_levels(scores, relevant) for scores in (scores_a, scores_b)]
    differences = np.empty(resamples)
    for span, weights in resampled_weights(n, seed=seed, resamples=resamples):
        first, second = (_mean_average_precision(levels, weights) for levels in models)
        differences[span] = second - first
    return differences


def resampled_weights(n: int, *, seed: int, resamples: int) -> Iterator[tuple[slice, Floats]]:
    """How often each image is drawn, [n, resamples of a slice]; the draws do not depend on the slices."""
    generator = np.random.default_rng(seed)
    length = max(1, _WEIGHTS // n)
    for start in range(0, resamples, length):
        span = slice(start, min(start + length, resamples))
        weights = np.empty((span.stop - start, n), dtype=np.float32)
        for row in weights:
            row[:] = np.bincount(generator.integers(n, size=n), minlength=n)
        yield span, np.ascontiguousarray(weights.T)


@dataclass(frozen=True, slots=True)
class _Levels:
    """The images between the scores of the positives of a few tags.

    Rows are the distinct scores of a tag's positives from the highest down, tag after tag (`starts` holds
    the first of each): `reached` [rows, n] marks the images whose score lies from there up to the row
    before, `right` [rows, n] the positives among them.
    """

    reached: "csr_matrix"
    right: "csr_matrix"
    starts: tuple[int, ...]


def _levels(scores: Floats, relevant: Relevance) -> list[_Levels]:
    from scipy.sparse import csr_matrix

    images = relevant.images[np.argsort(relevant.texts, kind="stable")]
    ends = np.cumsum(relevant.column_counts)
    groups: list[_Levels] = []
    tags: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = []
    starts: list[int] = []
    rows = 0

    def close() -> None:
        reached_rows, reached_images, positives = (np.concatenate(each) for each in zip(*tags, strict=True))
        everything = csr_matrix(
            (np.ones(reached_rows.size, np.float32), (reached_rows, reached_images)), (rows, len(scores))
        )
        is_right = np.ones(positives.shape[0], np.float32)
        right = csr_matrix((is_right, (positives[:, 0], positives[:, 1])), (rows, len(scores)))
        groups.append(_Levels(everything, right, tuple(starts)))

    for tag in np.flatnonzero(relevant.column_counts):
        column = np.ascontiguousarray(scores[:, tag])
        positives = images[ends[tag] - relevant.column_counts[tag] : ends[tag]]
        levels = np.unique(column[positives])
        place = np.searchsorted(levels, column, side="right")  # 0 below every positive
        above = np.flatnonzero(place)
        row = rows + levels.size - place
        tags.append((row[above], above, np.stack([row[positives], positives], axis=1)))
        starts.append(rows)
        rows += levels.size
        if rows > _LEVELS:
            close()
            tags, starts, rows = [], [], 0
    if tags:
        close()
    return groups


def _mean_average_precision(groups: Sequence[_Levels], weights: Floats) -> NDArray[np.float64]:
    """mAP under weights [n, r] of the images, [r]; NaN where no tag has a positive of any weight."""
    total = np.zeros(weights.shape[1])
    tags = np.zeros(weights.shape[1], dtype=np.int64)
    for group in groups:
        reached, right = group.reached @ weights, group.right @ weights  # [rows, r]
        for start, stop in zip(group.starts, [*group.starts[1:], len(reached)], strict=True):
            new = right[start:stop]
            found = np.cumsum(new, axis=0)
            precision = found / np.maximum(np.cumsum(reached[start:stop], axis=0), 1)
            positives = found[-1]
            total += np.einsum("kr,kr->r", new, precision) / np.maximum(positives, 1)
            tags += positives > 0
    return np.divide(total, tags, out=np.full(len(total), np.nan), where=tags > 0)
