"""tip-adapter: a cache of training images besides the words, without training (Zhang et al. 2022, section
3.1).

Source: gaopengcuhk/Tip-Adapter, main.py. There the keys are means over ten augmented views of each image;
here they come from the image as the model sees it. There ImageNet's settings are searched on the test images;
here they never are.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vlbench.core.errors import Unsupported
from vlbench.core.method import Head, Lesson, Method
from vlbench.methods.support import (
    Search,
    Support,
    Vectors,
    probe,
    refuse_widths,
    row_blocks,
    sampled,
    support_of,
    unit,
)

SCALE = 100.0
"""The factor of a cosine with words."""
ALPHA, BETA = 1.0, 5.5
"""The weight of the cache, and how fast a vote decreases with the distance (section 4.3)."""
LEAST = 0.1
"""The first value of both in a search."""
BETAS, ALPHAS = 200, 20
"""How many values of each are tried in a search."""


@dataclass(frozen=True, slots=True)
class Cache:
    """Keys [n, d] in the order of their classes, and words [m, d].

    The keys of the classes `shown` [c], which have keys, start at `starts` [c].
    """

    keys: Vectors
    shown: NDArray[np.intp]
    starts: NDArray[np.intp]
    words: Vectors
    alpha: float = ALPHA
    beta: float = BETA

    def score(self, vectors: Vectors) -> Vectors:
        """100 f W + alpha exp(-beta (1 - f K)) V for vectors f, [b, m]."""
        found = np.empty((len(vectors), len(self.words)), dtype=np.float32)
        for rows in row_blocks(len(vectors), max(len(self.keys), len(self.words)), 4):
            units = unit(vectors[rows])
            votes = np.exp(-self.beta * (1 - units @ self.keys.T))
            found[rows] = SCALE * (units @ self.words.T) + self.alpha * self.sums(votes)
        return found

    def sums(self, votes: NDArray[np.floating]) -> NDArray[np.floating]:
        """Sum votes [b, n] over the keys of each class: [b, m], 0 for a class without keys."""
        found = np.zeros((len(votes), len(self.words)), dtype=votes.dtype)
        found[:, self.shown] = np.add.reduceat(votes, self.starts, axis=1)
        return found


def tip_adapter(
    *,
    shots: int | None = None,
    alpha: float = ALPHA,
    beta: float = BETA,
    search: Search = "none",
    largest_alpha: float = 3.0,
    largest_beta: float = 7.0,
) -> Method:
    """Zero-shot logits plus votes of training images; weights are stated, or searched on validation images.

    A search tries 20 values of alpha below `largest_alpha` and 200 of beta below `largest_beta`; the defaults
    are the authors' for ImageNet. The seed draws `shots` images of each class as CoOp does; without `shots`,
    all are used.

    Raises:
        Unsupported: shots are below 1, a number is not positive, or is both stated and searched.

    >>> from vlbench.core.small_problem import small_lesson
    >>> lesson = small_lesson([[1, 0], [0, 1]], vectors=[[1, 0], [0, 1]], words=[[1, 0], [0, 1]])
    >>> tip_adapter().fit(lesson).score(np.eye(2, dtype=np.float32)).argmax(axis=1)
    array([0, 1])
    """
    least = min(alpha, beta, largest_alpha - LEAST, largest_beta - LEAST)
    if least <= 0:
        raise Unsupported(
            f"tip-adapter needs alpha and beta above 0 and their largest values above {LEAST:g}; "
            "one of them is below"
        )
    if search == "validation" and (alpha, beta) != (ALPHA, BETA):
        raise Unsupported(
            "tip-adapter searches alpha and beta on the validation split; leave them or the search out"
        )
    if search == "none" and (largest_alpha, largest_beta) != (3.0, 7.0):
        raise Unsupported("tip-adapter reads largest_alpha and largest_beta with search=validation alone")
    largest = None if search == "none" else (largest_alpha, largest_beta)
    fit = partial(learn, shots, alpha, beta, largest)
    return probe("tip-adapter", fit, shots, search=search, reads_words=True)


def learn(
    shots: int | None, alpha: float, beta: float, largest: tuple[float, float] | None, lesson: Lesson
) -> Head:
    """Make the cache of the training images, with alpha and beta as stated or searched.

    A search takes the values up to `largest` with the best accuracy on the validation split.

    Raises:
        DataError: the vectors of words and of images differ in width.
    """
    support = support_of(lesson, shots, sampled)
    cache, learned = cache_of(support, lesson.words()), dict[str, float](support.learned)
    if largest is not None:
        values = steps_to(largest[0], ALPHAS), steps_to(largest[1], BETAS)
        alpha, beta = searched(cache, support_of(lesson, split="validation"), *values)
        learned |= {"alpha": alpha, "beta": beta}
    return Head(score=replace(cache, alpha=alpha, beta=beta).score, learned=learned)


def cache_of(support: Support, words: Vectors) -> Cache:
    """Normalise training images and words to length 1, and sort the images by class.

    Raises:
        DataError: they differ in width.
    """
    refuse_widths(words, support.vectors, of="tip-adapter")
    order = np.argsort(support.labels, kind="stable")
    shown, starts = np.unique(support.labels[order], return_index=True)
    return Cache(unit(support.vectors[order]), shown, starts, unit(words))


def steps_to(largest: float, count: int) -> NDArray[np.float64]:
    """`count` values from 0.1 in equal steps, up to but without the largest.

    >>> steps_to(0.5, 4).round(3).tolist()
    [0.1, 0.2, 0.3, 0.4]
    """
    return LEAST + np.arange(count) * (largest - LEAST) / count


def searched(
    cache: Cache, validation: Support, alphas: NDArray[np.float64], betas: NDArray[np.float64]
) -> tuple[float, float]:
    """The alpha and beta with the most right images; of equal ones, the first beta, then the first alpha."""
    # the betas are in equal steps, so that each multiplies the votes by one factor
    right = np.zeros((len(betas), len(alphas)), dtype=np.int64)
    for rows in row_blocks(len(validation.labels), max(len(cache.keys), len(cache.words)), 8):
        units = unit(validation.vectors[rows]).astype(np.float64)
        own = np.arange(len(units)), validation.labels[rows]
        distances = 1 - units @ cache.keys.T
        logits = SCALE * (units @ cache.words.T)
        logits -= logits[own][:, None]
        logits[own] = -np.inf
        votes, fall = np.exp(-betas[0] * distances), np.exp(-(betas[1] - betas[0]) * distances)
        for place in range(len(betas)):
            cached = cache.sums(votes)
            cached -= cached[own][:, None]
            for other, alpha in enumerate(alphas):
                right[place, other] += np.count_nonzero((logits + alpha * cached).max(axis=1) < 0)
            votes *= fall
    beta, alpha = np.unravel_index(right.argmax(), right.shape)
    return float(alphas[alpha]), float(betas[beta])
