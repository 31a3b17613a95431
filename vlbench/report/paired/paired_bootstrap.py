"""Paired bootstrap over images: both models are measured on the same resampled images.

A resample weights every image by how often it was drawn, so all that belongs to an image (its captions, its
tags) is drawn with it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vlbench.core.metric import TagPrecision
from vlbench.core.relevance import Relevance

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

RESAMPLES = 1000
_WEIGHTS = 1 << 20
"""How many weights are drawn at a time (4 MiB)."""
_LEVELS = 1 << 10
"""How many distinct scores of positives are processed at a time."""

Floats = NDArray[np.float32]
Differences = NDArray[np.float64]
"""B - A in every resample; NaN where nothing can be measured."""


def map_differences(
    scores_a: Floats,
    scores_b: Floats,
    relevant: Relevance,
    *,
    seed: int,
    precision: TagPrecision,
    resamples: int = RESAMPLES,
) -> Differences:
    """Resampled differences of the mean over tags of `precision` (such as AP), from scores [n, m] of both
    models.

    A NaN score marks a pair that is not asked about; it is not ranked.

    A tag without a positive in a resample is left out for both models. A sparse matrix product counts, for
    all resamples at once, the images between the scores of a tag's positives.
    """
    n = len(scores_a)
    models = [_levels(scores, relevant) for scores in (scores_a, scores_b)]
    differences = np.empty(resamples)
    for span, weights in resampled_weights(n, seed=seed, resamples=resamples):
        first, second = (_mean(levels, weights, precision) for levels in models)
        differences[span] = second - first
    return differences


def resampled_weights(n: int, *, seed: int, resamples: int) -> Iterator[tuple[slice, Floats]]:
    """How often each image is drawn, [n, resamples of the slice]. The draws do not depend on the slices."""
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

    Rows are the distinct scores of a tag's positives, highest first, tag after tag; `starts` holds the first
    row of each tag. `reached` [rows, n] marks the images with a score from this row's up to the previous
    row's, `right` [rows, n] the positives among them.
    """

    reached: "csr_matrix"
    right: "csr_matrix"
    starts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Tag:
    """The rows of one tag: `rows` [a] of the `images` [a] that score at least as high as a positive, and
    `right` [p, 2], row and image of each positive."""

    count: int
    rows: NDArray[np.int64]
    images: NDArray[np.int64]
    right: NDArray[np.int64]


def _levels(scores: Floats, relevant: Relevance) -> list[_Levels]:
    """The tags with positives, in groups of about `_LEVELS` rows."""
    counts = relevant.column_counts
    images = relevant.by_query
    groups: list[_Levels] = []
    tags: list[_Tag] = []
    for tag in np.flatnonzero(counts):
        tags.append(_tag(np.ascontiguousarray(scores[:, tag]), images[tag]))
        if sum(each.count for each in tags) > _LEVELS:
            groups.append(_together(tags, len(scores)))
            tags = []
    return [*groups, _together(tags, len(scores))] if tags else groups


def _tag(column: Floats, positives: NDArray[np.int64]) -> _Tag:
    levels = np.unique(column[positives])
    places = np.searchsorted(levels, column, side="right")  # 0 below every positive
    rows = levels.size - places
    above = np.flatnonzero((places > 0) & ~np.isnan(column))  # NaN, of a pair that is not asked, sorts last
    return _Tag(levels.size, rows[above], above, np.stack([rows[positives], positives], axis=1))


def _together(tags: Sequence[_Tag], images: int) -> _Levels:
    from scipy.sparse import csr_matrix

    starts = np.concatenate([[0], np.cumsum([tag.count for tag in tags])])
    shape = (int(starts[-1]), images)

    def ones(rows: list[NDArray[np.int64]], columns: list[NDArray[np.int64]]) -> "csr_matrix":
        shifted = np.concatenate([row + start for row, start in zip(rows, starts, strict=False)])
        return csr_matrix((np.ones(shifted.size, np.float32), (shifted, np.concatenate(columns))), shape)

    return _Levels(
        reached=ones([tag.rows for tag in tags], [tag.images for tag in tags]),
        right=ones([tag.right[:, 0] for tag in tags], [tag.right[:, 1] for tag in tags]),
        starts=tuple(starts[:-1].tolist()),
    )


def _mean(groups: Sequence[_Levels], weights: Floats, precision: TagPrecision) -> NDArray[np.float64]:
    """The mean over tags, [r], with weights [n, r] of the images; NaN where no tag has a positive."""
    total = np.zeros(weights.shape[1])
    tags = np.zeros(weights.shape[1], dtype=np.int64)
    for group in groups:
        reached: Floats = group.reached @ weights  # [rows, r]
        right: Floats = group.right @ weights
        for start, stop in zip(group.starts, [*group.starts[1:], len(reached)], strict=True):
            found = np.cumsum(right[start:stop], axis=0)
            drawn = found[-1] > 0
            values = precision(right[start:stop], found, np.cumsum(reached[start:stop], axis=0))
            total += np.where(drawn, values, 0)
            tags += drawn
    means: NDArray[np.float64] = np.full(len(total), np.nan)
    np.divide(total, tags, out=means, where=tags > 0)
    return means
