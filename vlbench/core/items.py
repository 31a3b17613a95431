"""Items: what one model answered for each image, kept so that two models can be compared."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Dataset, Prediction
from vlbench.core.problem import Problem
from vlbench.core.relevance import Relevance

ITEM = "item"
"""The group of each query by the item that owns it, where pairs are asked about item by item."""
MOST_SCORES = 2_000_000
"""Numbers of a score matrix up to which it is kept unasked (8 MB)."""

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]


def asked_by_item(problem: Problem) -> Indices:
    """The asked pairs of a problem, [p, 4]: candidate, query, item number, and 1 where the pair is right.

    Items are numbered in the order of their names.
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
    """What each image adds to a metric, [n], with the metric as its mean, and how much it could add, [n].

    `most` is what an image would add if all of its answers were right: 1 where images count alike. `right`
    says which images are right, where each has one answer. `biased` values are pseudo-values of the
    jackknife: their mean is the metric up to its bias.
    """

    method: str
    values: Floats
    most: Floats
    right: NDArray[np.bool_] | None = None
    biased: bool = False


Hits = NDArray[np.bool_]
PerImage = Hits | Contributions
"""What a metric's `items` says of a model's items: of a share whether each image that has something right is
right itself, [n]; else what each adds."""


@dataclass(frozen=True, slots=True)
class Items:
    """One model's answers on a task of n images and m texts; None where a task has no such thing.

    Ranks are those of a `Prediction`: 1 is the best, 0 says that nothing is right. `classes` are the
    positions of the images' texts where each has exactly one, `text_images` the first image that a caption
    is true of, -1 for none. `influence` are the jackknife pseudo-values of the primary metric, whose mean is
    that metric and whose standard error is its own, up to the bias of the jackknife. `positives` are the
    true pairs (image, text) of a task that scores a matrix, sorted; `scores` are left out where they are too
    many, and are NaN where a pair is not asked about. Of a task that asks about some pairs alone, item by
    item, `pair_scores` are those of all `pairs`: candidate, query, number of the item, 1 where it is right.
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
        """Keep of a prediction what comparisons read, but no score matrix of more than `most_scores` numbers.

        Where candidates are texts, nothing is kept that counts images.
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
