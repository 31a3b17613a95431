"""logistic: logistic regression by L-BFGS, the linear probe of CLIP (Radford et al. 2021), appendix A.3.

The objective is scikit-learn's: sum of cross entropies + |W|^2 / (2 C), without a penalty on intercepts. The
authors probe features before the projection; here the features are projected and not normalised.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlbench.core.errors import Unsupported
from vlbench.core.method import Head, Lesson, Method
from vlbench.methods.support import (
    Labels,
    Search,
    Support,
    Vectors,
    accuracy,
    probe,
    row_blocks,
    searched_support,
    support_of,
    unit,
)

STRENGTHS = np.logspace(-6, 6, 97)
"""The values of C in the search, eight per decade."""
FIRST = range(0, 97, 16)
"""The indices that are tried first; then the steps around the best one are halved."""
STEPS = (8, 4, 2, 1)
STATED = 0.316
"""The value of C in the example of CLIP's README."""
ITERATIONS = 1000

Parameters = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Logits:
    """Logits x @ weights + intercepts; the last row of `parameters` [d + 1, c] holds the intercepts.

    The columns are the classes `shown` [c] out of m `classes`; the others have no image. With `of_unit`,
    vectors x are normalised to length 1 first.
    """

    parameters: Parameters
    shown: Labels
    classes: int
    of_unit: bool = False

    @property
    def finite(self) -> bool:
        """Whether all weights are finite in float32."""
        return bool(np.abs(self.parameters).max() <= np.finfo(np.float32).max)

    def score(self, vectors: Vectors) -> Vectors:
        """The logits [n, m] of vectors [n, d]; a class without images has the lowest possible logit."""
        vectors = unit(vectors) if self.of_unit else vectors
        weights = self.parameters.astype(vectors.dtype)
        of_shown: Vectors = vectors @ weights[:-1] + weights[-1]
        if len(self.shown) == self.classes:
            return of_shown
        least = np.logaddexp.reduce(of_shown, axis=1, keepdims=True) + np.log(np.finfo(np.float32).tiny)
        found = np.repeat(least.astype(of_shown.dtype), self.classes, axis=1)
        found[:, self.shown] = of_shown
        return found


def logistic(
    *,
    c: float = STATED,
    shots: int | None = None,
    search: Search = "none",
    tolerance: float = 1e-4,
) -> Method:
    """Logistic regression by L-BFGS, with C as stated or searched on the validation split.

    After a search it is fitted again on both splits, or with `shots`, which the seed draws, on the shots
    alone. At the end, the gradient of the mean loss is at most `tolerance`.

    Raises:
        Unsupported: shots are below 1, C or the tolerance is not above 0, or C is both stated and searched.

    >>> from vlbench.core.small_problem import small_lesson
    >>> lesson = small_lesson([[1, 0], [0, 1]], vectors=[[1, 0], [0, 1]])
    >>> logistic(c=1.0).fit(lesson).score(np.eye(2, dtype=np.float32)).argmax(axis=1)
    array([0, 1])
    """
    if c <= 0 or tolerance <= 0:
        raise Unsupported(f"logistic needs c and tolerance above 0, not c={c:g},tolerance={tolerance:g}")
    if search == "validation" and c != STATED:
        raise Unsupported(f"logistic searches c on the validation split; leave c={c:g} or the search out")
    stated = None if search == "validation" else c
    return probe("logistic", partial(learn, stated, shots, tolerance), shots, search=search)


def learn(c: float | None, shots: int | None, tolerance: float, lesson: Lesson) -> Head:
    """Fit the weights on the training split with a stated C, or on both splits with the best C.

    With shots, the last fit is on the training shots alone.
    """
    if c is not None:
        support = support_of(lesson, shots)
        return Head(score=fitted(support, c, tolerance).score, learned=support.learned)
    support, place = searched_support(lesson, shots, partial(choose, tolerance))
    best = float(STRENGTHS[place])
    return Head(score=fitted(support, best, tolerance).score, learned={**support.learned, "c": best})


def choose(tolerance: float, train: Support, validation: Support) -> int:
    """The index of the C with the best accuracy on the validation images."""
    return searched(partial(_tried_accuracy, train, validation, tolerance))


def searched(accuracy_of: Callable[[int], float]) -> int:
    """The index from 0 to 96 with the best accuracy, searched with halved steps; of equal ones the first.

    >>> searched(lambda place: -abs(place - 40))
    40
    """
    found = {place: accuracy_of(place) for place in FIRST}
    for step in STEPS:
        peak = _best(found)
        for place in (peak - step, peak + step):
            if place not in found and 0 <= place < len(STRENGTHS):
                found[place] = accuracy_of(place)
    return _best(found)


def _best(found: dict[int, float]) -> int:
    return max(sorted(found), key=found.__getitem__)


def _tried_accuracy(train: Support, validation: Support, tolerance: float, place: int) -> float:
    # every fit begins at 0, as the peer's: one that ends at a tolerance hangs on where it began
    found = fitted(train, STRENGTHS[place], tolerance)
    return accuracy(found.score(validation.vectors), validation.labels)


def fitted(support: Support, c: float, tolerance: float = 1e-4) -> Logits:
    """Fit weights and intercepts with the least mean loss."""
    from scipy.optimize import minimize

    shown, labels = np.unique(support.labels, return_inverse=True)
    shape = (support.vectors.shape[1] + 1, len(shown))
    # of two classes scikit-learn penalises one vector, their difference
    penalty = (2 if shape[1] == 2 else 1) / (c * len(support.labels))
    options: dict[str, Any] = {
        "maxiter": ITERATIONS,
        "maxls": 50,
        "gtol": tolerance,
        "ftol": 64 * np.finfo(np.float64).eps,
    }
    found = minimize(
        _loss,
        np.zeros(shape[0] * shape[1]),
        (support.vectors, labels, penalty),
        "L-BFGS-B",
        jac=True,
        options=options,
    )
    return Logits(np.asarray(found.x).reshape(shape), shown, support.classes)


def _loss(flat: Parameters, vectors: Vectors, labels: Labels, penalty: float) -> tuple[float, Parameters]:
    """The mean cross entropy + penalty / 2 |W|^2, and its gradient.

    Products have the dtype of the vectors.
    """
    n, d = vectors.shape
    parameters = flat.reshape(d + 1, -1)
    weights = parameters.astype(vectors.dtype)
    gradient = np.zeros_like(parameters)
    loss = 0.0
    for rows in row_blocks(n, 8 * weights.shape[1], vectors.itemsize):
        block, own = vectors[rows], labels[rows]
        places = np.arange(len(own))
        logits = block @ weights[:-1] + weights[-1]
        logits -= logits.max(axis=1, keepdims=True)
        right = logits[places, own].sum(dtype=np.float64)
        np.exp(logits, out=logits)
        sums = logits.sum(axis=1, keepdims=True)
        loss += float(np.log(sums).sum(dtype=np.float64) - right)
        logits /= sums
        logits[places, own] -= 1
        gradient[:-1] += block.T @ logits
        gradient[-1] += logits.sum(axis=0, dtype=np.float64)
    gradient /= n
    gradient[:-1] += penalty * parameters[:-1]
    return loss / n + penalty / 2 * float((parameters[:-1] ** 2).sum()), gradient.reshape(-1)
