"""A small problem about made-up images and texts, to try a metric, a scoring or a method on."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from PIL.Image import new

from vlbench.core.contracts import Dataset, Example, Prediction, ScoreUnit, Target, Text
from vlbench.core.items import ITEM
from vlbench.core.method import Lesson, Split
from vlbench.core.problem import Asked, Groups, Problem, by_words
from vlbench.core.relevance import Relevance


def small_problem(
    right: ArrayLike, *, items: Sequence[str] = (), labels: Mapping[str, Sequence[str]] | None = None
) -> Problem:
    """A problem about images `i0`, `i1` ... and texts `t0`, `t1` ..., whose right pairs are a matrix.

    `right` [n, m] is 1 where a text is true of an image. `items` [m] names the item of each text: then only
    pairs within an item are asked about, and an image belongs to the item of its first right text. `labels`
    are further groups of the texts, [m] each.

    >>> small_problem([[1, 0], [0, 1]]).names
    ('t0', 't1')
    >>> small_problem([[1, 0, 0, 0], [0, 0, 1, 0]], items="aabb").asked.pairs.queries.tolist()
    [0, 1, 2, 3]
    """
    matrix = np.asarray(right, dtype=np.bool_)
    n, m = matrix.shape
    owners = np.array(list(items))
    within = owners[matrix.argmax(axis=1)][:, None] == owners if items else matrix  # [n, m]
    named = {**({ITEM: items} if items else {}), **(labels or {})}
    groups = {name: Groups("queries", tuple(each)) for name, each in named.items()}
    grey = partial(new, "RGB", (32, 32), "grey")
    examples = [Example(f"i{index}", grey, Target(), key="small grey") for index in range(n)]
    queries = by_words(tuple(Text(f"t{index}") for index in range(m)))
    asked = Asked("only", _pairs(within)) if items else None
    return Problem(Dataset("small", "1", examples), queries, _pairs(matrix), asked, groups=groups)


def small_prediction(**arrays: ArrayLike) -> Prediction:
    """A prediction of cosines with the given arrays.

    >>> small_prediction(row_ranks=[1, 2])["row_ranks"]
    array([1, 2])
    """
    return Prediction(ScoreUnit("cosine"), {name: np.asarray(each) for name, each in arrays.items()})


def small_lesson(
    right: ArrayLike, *, vectors: ArrayLike, words: ArrayLike = (), seed: int = 0, **arrays: ArrayLike
) -> Lesson:
    """A lesson whose training and validation split are both `small_problem(right)`.

    `vectors` [n, d] are those of the images, `words` [m, d] those of the texts; `arrays` is the prediction.

    >>> lesson = small_lesson([[1, 0], [0, 1]], vectors=[[3, 4], [1, 0]])
    >>> lesson.splits["train"].vectors()[0]
    array([3., 4.], dtype=float32)
    """
    numbers, names = (partial(np.array, each, dtype=np.float32) for each in (vectors, words))
    split = Split(small_problem(right), numbers, partial(small_prediction, **arrays))
    return Lesson({"train": split, "validation": split}, names, seed)


def _pairs(matrix: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]") -> Relevance:
    candidates, queries = np.nonzero(matrix)
    n, m = matrix.shape
    return Relevance.from_pairs(candidates, queries, (n, m))
