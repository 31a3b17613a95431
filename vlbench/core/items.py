"""Items: what one model answered for each image, kept so that two models can be compared."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Dataset, Prediction
from vlbench.core.problem import Problem
from vlbench.core.relevance import Relevance

ITEM = "item"
"""The name of the groups that state which item each query belongs to, where pairs are asked item by item."""
MOST_SCORES = 2_000_000
"""A score matrix with up to this many numbers (8 MB) is kept without being asked for."""

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]


def asked_by_item(problem: Problem) -> Indices:
    """The asked pairs of a problem, [p, 4]: candidate, query, item number, and 1 where the pair is right.

    Item numbers follow the sorted names of the items.

    >>> from vlbench.core.small_problem import small_problem
    >>> asked_by_item(small_problem([[1, 0, 0], [0, 0, 1]], items="aab")).tolist()
    [[0, 0, 0, 1], [0, 1, 0, 0], [1, 2, 1, 1]]
    """
    assert problem.asked is not None
    pairs, labels = problem.asked.pairs, problem.groups[ITEM].labels
    names = [labels[query] for query in pairs.queries.tolist()]
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    items = np.array([numbers[name] for name in names], dtype=np.int64)
    stated = [pairs.candidates, pairs.queries, items, problem.relevant.holds(pairs)]
    return np.stack(stated, axis=1).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Contributions:
    """What each image contributes to a metric, [n], where the metric is the mean of the contributions.

    `most` [n] is what an image would contribute if all of its answers were right: 1 where images have equal
    weight. `right` tells which images are right, where each has one answer. With `biased`, the values are
    jackknife pseudo-values: their mean is the metric up to the jackknife's bias.

    >>> each = Contributions("recall", values=np.array([1.0, 0.5]), most=np.ones(2))
    >>> float(each.values.mean())
    0.75
    """

    method: str
    values: Floats
    most: Floats
    right: NDArray[np.bool_] | None = None
    biased: bool = False


Hits = NDArray[np.bool_]
PerImage = Hits | Contributions
"""What a metric's `items` returns for each image: for a share, whether it is right, [n], for the images that
have something right; else its contribution."""


@dataclass(frozen=True, slots=True)
class Items:
    """One model's answers on a task with n images and m texts.

    A field is None where the task does not have it. Ranks are those of a `Prediction`: 1 is the best, 0 means
    that nothing is right. `classes` are the positions of the right texts, where each image has exactly one.
    `text_images` is the first image that each caption is true of, -1 for none. `influence` holds the
    jackknife pseudo-values of the primary metric: their mean is the metric and their standard error is the
    metric's own, up to the jackknife's bias. `positives` are the sorted true pairs (image, text) of a task
    that keeps a score matrix. `scores` are NaN where a pair is not asked about, and are dropped above a size
    limit. Where a task asks about single pairs, item by item, `pair_scores` are the scores of all `pairs`:
    candidate, query, number of the item, 1 where the pair is right.

    >>> Items(image_ranks=np.array([1, 3])).text_ranks is None
    True
    """

    image_ranks: Indices | None = None  # [n]
    classes: Indices | None = None  # [n]
    text_ranks: Indices | None = None  # [m]
    text_images: Indices | None = None  # [m]
    influence: NDArray[np.float32] | None = None  # [n]
    scores: NDArray[np.float32] | None = None  # [n, m]
    positives: Indices | None = None  # [p, 2]
    pairs: Indices | None = None  # [q, 4]
    pair_scores: NDArray[np.float32] | None = None  # [q]

    @classmethod
    def of(
        cls,
        problem: Problem,
        prediction: Prediction,
        *,
        influence: NDArray[np.float64] | None = None,
        most_scores: int = MOST_SCORES,
    ) -> "Items":
        """Keep the parts of a prediction that comparisons read, without a score matrix above `most_scores`
        numbers.

        Where candidates are texts, nothing that counts images is kept.
        """
        if not isinstance(problem.candidates, Dataset):
            return cls(text_ranks=prediction.get("column_ranks"))
        relevant = problem.relevant
        scores = prediction.get("scores")
        kept = scores is not None and scores.size <= most_scores
        ranks, text_ranks = prediction.get("row_ranks"), prediction.get("column_ranks")
        two_ways = text_ranks is not None
        pair_scores, pairs = prediction.get("pair_scores"), None
        if pair_scores is not None and ITEM in problem.groups and pair_scores.size <= most_scores:
            pairs = asked_by_item(problem)
        one_each = not two_ways and ranks is not None and (relevant.row_counts == 1).all()
        return cls(
            image_ranks=ranks,
            classes=relevant.queries if one_each else None,
            text_ranks=text_ranks,
            text_images=relevant.first_candidates if two_ways else None,
            influence=None if influence is None else influence.astype(np.float32),
            scores=scores if kept else None,
            positives=None if scores is None else np.stack([relevant.candidates, relevant.queries], axis=1),
            pairs=pairs,
            pair_scores=None if pairs is None else pair_scores,
        )

    @property
    def relevant(self) -> Relevance | None:
        """The right pairs of a score matrix; None where no scores are kept."""
        if self.scores is None or self.positives is None:
            return None
        n, m = self.scores.shape
        return Relevance(self.positives[:, 0], self.positives[:, 1], (n, m))
