"""Items of a matching task under random scores of their pairs, without ties: how probably each is right.

No score decides two items, since each pair belongs to one. One answer for all images or texts says nothing
here: most items have texts of their own, so that it would be the key to the test.
"""

from collections import Counter
from functools import lru_cache
from math import comb, factorial

import numpy as np
from numpy.typing import NDArray

from vlbench.core.items import asked_by_item
from vlbench.core.measurement import MetricOptions
from vlbench.core.problem import Problem
from vlbench.metrics.contests import AskedItems, Bools, Contests, Over
from vlbench.metrics.outcomes import Ties

MOST_PAIRS = 12
"""Up to this many pairs of an item, all their orders are counted."""

Floats = NDArray[np.float64]


def share_by_chance(
    over: Over, problem: Problem, options: MetricOptions, *, ties: Ties = "lose", placed: bool = False
) -> float | None:
    """The expected fraction of right items, by their texts for each image, or by their images for each text.

    Where ties lose, all right ones have to be above all wrong ones, else the best one has to be right. With
    `placed`, only the item's image (or text) of the options' number counts.

    >>> from vlbench.core.small_problem import small_problem
    >>> share_by_chance("texts", small_problem([[1, 0], [0, 1]], items="aa"), MetricOptions())
    0.25
    """
    place = int(options.number) - 1 if placed else None
    _, counted, chances = _items(over, problem, ties=ties, place=place)
    return float(chances[counted].mean()) if counted.any() else None


def both_by_chance(problem: Problem, _: MetricOptions) -> float | None:
    """The expected fraction of items that are right by their texts and by their images.

    None where an item has too many pairs to count the orders of their scores in which it is right.

    >>> from vlbench.core.small_problem import small_problem
    >>> round(both_by_chance(small_problem([[1, 0], [0, 1]], items="aa"), MetricOptions()), 6)
    0.166667
    """
    items, texts = _items("texts", problem)[:2]
    images = _items("images", problem)[1]
    found = []
    order = np.argsort(items.pairs[:, 2], kind="stable")
    ends = np.cumsum(np.bincount(items.pairs[:, 2], minlength=texts.size))
    for pairs in np.split(items.pairs[order], ends[:-1]):
        if not pairs.size or not (texts & images)[pairs[0, 2]]:
            continue
        if len(pairs) > MOST_PAIRS:
            return None
        rivals = (pairs[:, None, :2] == pairs[None, :, :2]).any(axis=2)
        below = rivals & (pairs[:, None, 3] == 1) & (pairs[None, :, 3] == 0)
        found.append(_in_order(tuple((below @ (1 << np.arange(len(pairs)))).tolist())))
    return float(np.mean(found)) if found else None


def macro_by_chance(over: Over, problem: Problem, options: MetricOptions) -> float | None:
    """The expected fraction of right items in each class, averaged over the classes with enough items."""
    items, counted, chances = _items(over, problem)
    classes: dict[str, list[float]] = {}
    for name, known, chance in _labelled(items, "class", problem, counted, chances):
        if known:
            classes.setdefault(name, []).append(chance)
    least = 1 if options.at is None else int(options.number)
    means = [float(np.mean(each)) for each in classes.values() if len(each) >= least]
    return float(np.mean(means)) if means else None


def sets_by_chance(label: str, problem: Problem, _: MetricOptions, *, ties: Ties = "lose") -> float | None:
    """The expected fraction of sets whose items are all right by their texts."""
    items, counted, chances = _items("texts", problem, ties=ties)
    sets: dict[str, float] = {}
    for name, known, chance in _labelled(items, label, problem, counted, chances):
        if known:
            sets[name] = sets.get(name, 1.0) * chance
    return float(np.mean(list(sets.values()))) if sets else None


def _labelled(
    items: AskedItems, label: str, problem: Problem, counted: Bools, chances: Floats
) -> list[tuple[str, bool, float]]:
    labels = items.labels(problem, label)
    return [each for each in zip(labels, counted.tolist(), chances.tolist(), strict=True) if each[0]]


def _items(
    over: Over, problem: Problem, *, ties: Ties = "lose", place: int | None = None
) -> tuple[AskedItems, Bools, Floats]:
    """The items, which of them have something to decide [k], and how probably each is right [k]."""
    items = AskedItems.of(asked_by_item(problem))
    contests = Contests.between(over, items.pairs)
    decided = contests.open if place is None else contests.open & (contests.places == place)
    number = len(contests.items)
    right, all_pairs = (
        np.bincount(each, minlength=number) for each in (contests.of[contests.right], contests.of)
    )
    won = [
        (1 / comb(a, r) if ties == "lose" else r / a) if counts else 1.0
        for r, a, counts in zip(right.tolist(), all_pairs.tolist(), decided.tolist(), strict=True)
    ]
    chances, counted = np.ones(len(items.images)), np.zeros(len(items.images), dtype=np.bool_)
    np.multiply.at(chances, contests.items, won)
    counted[contests.items[decided]] = True
    return items, counted, chances


@lru_cache(maxsize=1024)
def _in_order(below: tuple[int, ...]) -> float:
    """The probability that random scores put each pair above all that its bits name: the fraction of the
    orders in which they do, counted from the lowest pair upwards."""
    ways = Counter({0: 1})
    for _ in below:
        longer: Counter[int] = Counter()
        for placed, count in ways.items():
            for pair, under in enumerate(below):
                if not placed >> pair & 1 and not under & ~placed:
                    longer[placed | 1 << pair] += count
        ways = longer
    return ways.total() / factorial(len(below))
