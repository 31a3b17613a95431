"""Contests of a matching task: right pairs of image and text against wrong pairs of the same item."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vlbench.core.problem import Problem

Bools = NDArray[np.bool_]
Indices = NDArray[np.int64]
Scores = NDArray[np.float32]
Over = Literal["texts", "images"]
"""What is compared: the texts for one image, or the images for one text."""


@dataclass(frozen=True, slots=True)
class AskedItems:
    """The items of a matching task, with the asked pairs [p, 4]: candidate, query, item, and 1 where right.

    `images` [k] is the first candidate of each item, `texts` [k] its first query. Items with the same first
    image are correlated.
    """

    pairs: Indices
    images: Indices
    texts: Indices

    @classmethod
    def of(cls, pairs: Indices) -> "AskedItems":
        """The items of pairs [p, 4], renumbered without gaps."""
        firsts = np.full((2, int(pairs[:, 2].max(initial=-1)) + 1), pairs.max(initial=0))
        for first, of_pairs in zip(firsts, pairs.T, strict=False):
            np.minimum.at(first, pairs[:, 2], of_pairs)
        return cls(pairs, *firsts)

    def labels(self, problem: Problem, name: str) -> list[str]:
        """The label of each item under a name, [k]: the label of its first query; empty where it has none."""
        if name not in problem.groups:
            return [""] * len(self.texts)
        stated = problem.groups[name].labels
        return [stated[query] for query in self.texts.tolist()]


@dataclass(frozen=True, slots=True)
class Contests:
    """Asked pairs [p] that compete: pairs of one item with the same image (or the same text).

    `of` [p] is the contest of each pair, `right` [p] whether the pair is right. `items` [g] are the contests'
    items; `places` [g] tells which image (or text) of its item a contest is about, in the order of the data.
    `open` [g] tells whether a contest has both a right and a wrong pair; otherwise there is nothing to
    decide. `rivals` [p] are the texts (or images) that are compared.
    """

    of: Indices
    right: Bools
    items: Indices
    places: Indices
    open: Bools
    rivals: Indices

    @classmethod
    def between(cls, over: Over, pairs: Indices) -> "Contests":
        """The contests between the texts for each image, or between the images for each text, of `pairs` [p,
        4]."""
        owners, rivals = (pairs[:, 0], pairs[:, 1]) if over == "texts" else (pairs[:, 1], pairs[:, 0])
        width = int(owners.max(initial=0)) + 1
        keys, of = np.unique(pairs[:, 2] * width + owners, return_inverse=True)
        of_items, right = keys // width, pairs[:, 3] == 1
        some = [np.bincount(of[each], minlength=len(keys)) > 0 for each in (right, ~right)]
        places = np.arange(len(keys)) - np.searchsorted(of_items, of_items)
        return cls(of, right, of_items, places, some[0] & some[1], rivals)

    def bounds(self, scores: Scores) -> tuple[Scores, Scores]:
        """The lowest right and the highest wrong score of each contest, [g] each; NaN where one is NaN."""
        lowest = np.full(len(self.items), np.inf, dtype=scores.dtype)
        highest = np.full(len(self.items), -np.inf, dtype=scores.dtype)
        with np.errstate(invalid="ignore"):  # NaN stays NaN
            np.minimum.at(lowest, self.of[self.right], scores[self.right])
            np.maximum.at(highest, self.of[~self.right], scores[~self.right])
        return lowest, highest

    def won(self, scores: Scores) -> Bools:
        """Whether all right pairs of each contest score above all wrong ones, [g]. Ties and NaN lose."""
        lowest, highest = self.bounds(scores)
        return lowest > highest

    def won_by(self, place: Literal["first", "last"], scores: Scores) -> Bools:
        """Whether the first (or last) of the best-scoring pairs is right, [g]. NaN loses."""
        best = np.full(len(self.items), -np.inf, dtype=scores.dtype)
        with np.errstate(invalid="ignore"):  # NaN stays NaN, which equals nothing
            np.maximum.at(best, self.of, scores)
        tops = np.flatnonzero(scores == best[self.of])
        if place == "first":
            tops = tops[::-1]
        chosen = np.full(len(self.items), -1)
        chosen[self.of[tops]] = tops  # of equal indices the last one stays
        won: Bools = (chosen >= 0) & self.right[chosen]
        return won

    def share_features(self, alike: Indices) -> Bools:
        """Whether a right and a wrong text (or image) of each contest have equal features, [g].

        `alike` is the position of the first text (or image) with equal features.
        """
        keys, of = np.unique(self.of * (len(alike) + 1) + alike[self.rivals], return_inverse=True)
        some = [np.bincount(of[each], minlength=len(keys)) > 0 for each in (self.right, ~self.right)]
        found = np.zeros(len(self.items), dtype=np.bool_)
        found[keys[some[0] & some[1]] // (len(alike) + 1)] = True
        return found
