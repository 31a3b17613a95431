"""Which items of a matching task are right, and the shares of right items, sets and classes."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from vlbench.core.contracts import Prediction
from vlbench.core.errors import Unsupported
from vlbench.core.items import Hits, Items, PerImage, asked_by_item
from vlbench.core.measurement import Measurement, MetricOptions
from vlbench.core.problem import Problem
from vlbench.core.relevance import Relevance
from vlbench.metrics.accuracy import shares
from vlbench.metrics.contests import AskedItems, Bools, Contests, Over, Scores
from vlbench.metrics.intervals import BY_IMAGES, class_spread, score_interval, share_spread, wilson

BOTH: tuple[Over, ...] = ("texts", "images")
Ties = Literal["lose", "first", "last"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """For items [k]: whether there is something to decide (`counted`), and whether the item is right."""

    items: AskedItems
    counted: Bools
    right: Bools


def outcome(
    prediction: Prediction, problem: Problem, over: Over, *, ties: Ties = "lose", place: int | None = None
) -> Outcome:
    """Decide each item: compare its texts for each image, or its images for each text.

    A tie loses, or the first or last of the best-scoring ones is chosen (`ties`). With `place`, only the
    item's image (or text) of that number counts, from 0.
    """
    items = AskedItems.of(asked_by_item(problem))
    counted, right = _decided(over, items, prediction["pair_scores"], ties=ties, place=place)
    return Outcome(items, counted, right)


def read_right(
    over: tuple[Over, ...], items: Items, _: float | None, *, ties: Ties = "lose"
) -> PerImage | None:
    """Whether each item that has something to decide is right; None where no pairs were kept.

    Where items share their first image, what each such image contributes, since its items are correlated.
    """
    if items.pairs is None or items.pair_scores is None:
        return None
    asked = AskedItems.of(items.pairs)
    found = [_decided(each, asked, items.pair_scores, ties=ties, place=None) for each in over]
    counted, right = (np.logical_and.reduce(each) for each in zip(*found, strict=True))
    images, sizes = np.unique(asked.images[counted], return_inverse=True, return_counts=True)[1:]
    hits: Hits = right[counted]
    return hits if (sizes == 1).all() else shares(np.bincount(images[hits], minlength=sizes.size), sizes)


def _decided(
    over: Over, items: AskedItems, scores: Scores, *, ties: Ties, place: int | None
) -> tuple[Bools, Bools]:
    """Which items have something to decide, and which of these are right."""
    contests = Contests.between(over, items.pairs)
    won = contests.won(scores) if ties == "lose" else contests.won_by(ties, scores)
    counted = contests.open if place is None else contests.open & (contests.places == place)
    decided, lost = (
        np.bincount(contests.items[each], minlength=len(items.images)) > 0
        for each in (counted, counted & ~won)
    )
    return decided, decided & ~lost


def something_to_decide(over: tuple[Over, ...], problem: Problem, metric: str) -> None:
    """Check that there are items to compare texts for, or images.

    Raises:
        Unsupported: the problem has no items, or none with both a right and a wrong one to compare.
    """
    if "item" not in problem.groups or problem.asked is None or problem.asked.how != "only":
        raise Unsupported(
            f"{metric} reads items and the pairs that each asks about, and this task names none; "
            "take it out of the task's metrics"
        )
    pairs = asked_by_item(problem)
    for each in over:
        if not Contests.between(each, pairs).open.any():
            one = "image" if each == "texts" else "text"
            raise Unsupported(
                f"{metric} compares {each} of one {one}, and no item has a right and a wrong one; "
                "take it out of the task's metrics, or read more of the data"
            )


def labelled(label: str, over: Over, problem: Problem, metric: str) -> None:
    """Check that items have this label, and that there are some to compare texts for, or images.

    Raises:
        Unsupported: no item has the label, or there is nothing to compare.
    """
    something_to_decide((over,), problem, metric)
    if not any(AskedItems.of(asked_by_item(problem)).labels(problem, label)):
        raise Unsupported(
            f"{metric} needs items with a label {label!r}; "
            "take it out of the task's metrics, or give it to the items"
        )


def share(found: Outcome, problem: Problem) -> Measurement:
    """The fraction of right items; None where no item has something to decide.

    The interval is Wilson's; where items share an image, with the variance over images.
    """
    count, left_out = int(found.counted.sum()), int((~found.counted).sum())
    if not count:
        return Measurement(value=None, n=0, left_out=left_out)
    candidates = len(problem.candidates)
    hits, sizes = (
        np.bincount(found.items.images[each], minlength=candidates) for each in (found.right, found.counted)
    )
    value = int(found.right.sum()) / count
    spread = share_spread(hits, sizes)
    interval = wilson(value, count)
    if sizes.max() > 1:
        interval = score_interval(value, spread, BY_IMAGES)
    return Measurement(
        value=value,
        n=count,
        **interval,
        left_out=left_out,
        influence=value + candidates * spread.influence if sizes.all() else None,
    )


def share_of_sets(label: str, found: Outcome, problem: Problem) -> Measurement:
    """The fraction of sets whose items are all right; `label` names the set of an item.

    `left_out` counts the items without a set.
    """
    kept: dict[str, bool] = {}
    labels = found.items.labels(problem, label)
    for name, counted, right in zip(labels, found.counted.tolist(), found.right.tolist(), strict=True):
        if name and counted:
            kept[name] = right and kept.get(name, True)
    left_out = sum(not name for name in labels)
    if not kept:
        return Measurement(value=None, n=0, left_out=left_out)
    value = sum(kept.values()) / len(kept)
    return Measurement(value=value, n=len(kept), **wilson(value, len(kept)), left_out=left_out)


def macro(found: Outcome, problem: Problem, options: MetricOptions) -> Measurement:
    """The fraction of right items in each class, averaged over the classes."""
    labels = found.items.labels(problem, "class")
    names = sorted({name for name, counted in zip(labels, found.counted, strict=True) if name and counted})
    numbers = {name: number for number, name in enumerate(names)}
    classes = np.array([numbers.get(name, -1) for name in labels], dtype=np.int64)
    kept = np.flatnonzero(found.counted & (classes >= 0))
    sizes = np.bincount(classes[kept], minlength=len(names))
    least = 1 if options.at is None else int(options.number)
    kept = kept[sizes[classes[kept]] >= least]
    kept = kept[np.argsort(found.items.texts[kept])]  # in the order of the data, in which sums are rounded
    of, right = classes[kept], found.right[kept]
    shares = np.bincount(of[right], minlength=len(names)) / np.maximum(sizes, 1)
    mean = Measurement.mean_of(names, shares, sizes, least=least)
    if mean.value is None:
        return mean
    images = found.items.images[kept]
    truth = Relevance.from_pairs(images, of, (len(problem.candidates), len(names)))
    values = np.where(sizes >= least, shares, np.nan)
    spread = class_spread(truth, images, of, (right - shares[of]) / sizes[of], values=values)
    return replace(
        mean,
        influence=mean.value + truth.shape[0] * spread.influence if truth.row_counts.all() else None,
        **score_interval(mean.value, spread, "Wilson, by the variance within classes"),
    )
