"""Ranks in a leaderboard column: a model ranks below another only if that one is significantly better."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from vlbench.core.items import Contributions, Items, PerImage
from vlbench.core.result import Result
from vlbench.report.paired.item_values import read_metric
from vlbench.report.paired.paired_tests import LEVEL, PValues, holm_array, mid_p_mcnemar, normal_p
from vlbench.report.tables.seeds import row_of


def column_ranks(results: Iterable[Result], items: Mapping[str, Items]) -> dict[str, int]:
    """The ranks of the models on one task and protocol: 1 + the number of rows that are significantly better.

    A row with several seeds is better if all of its seeds are. All pairs in the column are tested on the same
    images and adjusted by Holm's method: hits by McNemar's mid-p test, everything else by a normal test of
    the contributions per image, without resampling. Models without items, without a value, or with other
    images or annotations than most have no rank. `items` are by model.
    """
    found: dict[str, tuple[Result, PerImage]] = {}
    for result in _of_one_kind([each for each in results if each.score is not None], items):
        reading = read_metric(result.primary, items[result.model])
        if reading is not None:
            found[result.model] = (result, reading)
    if not found:
        return {}
    values = np.array([result.score for result, _ in found.values()], dtype=np.float64)
    better = _significant([reading for _, reading in found.values()], values)
    lowest_first = next(iter(found.values()))[0].lower_is_better
    heights = -values if lowest_first else values
    better &= heights[:, None] < heights[None, :]  # [i, j]: j is better than i
    rows: dict[str, list[int]] = {}
    for place, (result, _) in enumerate(found.values()):
        rows.setdefault(row_of(result), []).append(place)
    lost = np.stack([better[:, places].all(axis=1) for places in rows.values()], axis=1)  # [i, row]
    return {model: 1 + int(count) for model, count in zip(found, lost.sum(axis=1), strict=True)}


def _of_one_kind(results: Sequence[Result], items: Mapping[str, Items]) -> list[Result]:
    """Keep the results with the most frequent protocol, images, texts and truth.

    Of equally frequent ones, the smallest.
    """
    results = [each for each in results if each.model in items]
    keys = [
        (
            each.protocol_digest,
            each.primary,
            each.digests.get("image_ids", ""),
            each.digests.get("texts", ""),
            _truth(items[each.model]),
        )
        for each in results
    ]
    counts = Counter(keys)
    most = min(counts, key=lambda key: (-counts[key], key), default=None)
    return [each for each, key in zip(results, keys, strict=True) if key == most]


def _truth(items: Items) -> str:
    """A digest of the truth in a per-item record: labels, captions, tags, and which items have some."""
    found = sha256()
    for name in ("classes", "text_images", "positives"):
        array = getattr(items, name)
        found.update(b"-" if array is None else np.ascontiguousarray(array, dtype=np.int64).tobytes())
    for ranks in (items.image_ranks, items.text_ranks):
        found.update(b"-" if ranks is None else (ranks > 0).tobytes())
    return found.hexdigest()


def _significant(readings: Sequence[PerImage], values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which models differ significantly, [k, k]."""
    k = len(readings)
    first, second = np.triu_indices(k, 1)
    hits = [each for each in readings if not isinstance(each, Contributions)]
    if len(hits) == k:
        p_values = _of_hits(np.array(hits), first, second)
    else:
        added = np.array([each.values for each in readings if isinstance(each, Contributions)])
        p_values = _of_values(added, values, first, second)
    differ = np.zeros((k, k), dtype=np.bool_)
    differ[first, second] = differ[second, first] = holm_array(p_values) < LEVEL
    return differ


def _of_hits(right: NDArray[np.bool_], first: NDArray[np.int64], second: NDArray[np.int64]) -> PValues:
    """McNemar's p for pairs of rows of `right` [k, n]. Counts in float32 are exact below 2^24 images."""
    counted = right.astype(np.float32)
    alone = counted @ (1 - counted).T  # [i, j]: i is right and j is not
    return mid_p_mcnemar(alone[first, second], alone[second, first])


def _of_values(
    added: NDArray[np.float64],
    values: NDArray[np.float64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
) -> PValues:
    """The p for pairs of rows of contributions [k, n], with the `paired_error` under no difference."""
    products = added @ added.T
    squares = np.diag(products)
    sums = squares[first] + squares[second] - 2 * products[first, second]
    # what the subtraction leaves of equal rows is rounding
    known = np.where(sums > 1e-12 * (squares[first] + squares[second]), sums, 0.0)
    n = added.shape[1]
    return normal_p(values[first] - values[second], np.sqrt(known) / max(n, 1), images=n)
