"""AUROC of two sets of images: how well confidence separates images of known classes from others."""

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction
from vlbench.core.errors import Unsupported
from vlbench.core.measurement import Measurement
from vlbench.metrics.intervals import Spread, score_interval

BY_DELONG = "Wilson, by DeLong's variance"


def confidence(prediction: Prediction) -> NDArray[np.float64]:
    """The logarithm of each image's highest softmax probability over the texts, [n].

    Source: Hendrycks & Gimpel 2017, A Baseline for Detecting Misclassified and Out-of-Distribution Examples
    (arXiv 1610.02136), section 2.

    Raises:
        Unsupported: the scoring does not keep the sums, or the model's scores have no softmax.

    >>> from vlbench.core.small_problem import small_prediction
    >>> prediction = small_prediction(log_sums=[0.0, np.log(2)])
    >>> np.exp(confidence(prediction))
    array([1. , 0.5])
    """
    if "log_sums" not in prediction.arrays or prediction.unit.kind == "probability":
        raise Unsupported(
            "out-of-distribution detection needs a softmax over the classes; a tagger's scores have none: "
            "choose another model"
        )
    return np.asarray(-prediction["log_sums"], dtype=np.float64)


def auroc(inside: NDArray[np.float64], outside: NDArray[np.float64]) -> Measurement:
    """The probability that a value of `inside` [n] is above one of `outside` [m]; ties count one half.

    `n` counts all values; the interval is Wilson's with DeLong's variance.
    Source: DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44, 837-845.

    >>> auroc(np.array([0.9, 0.5]), np.array([0.5, 0.1])).value
    0.875
    """
    number = inside.size + outside.size
    if not inside.size or not outside.size:
        return Measurement(value=None, n=number)
    above = share_below(np.sort(outside), inside)
    below = 1 - share_below(np.sort(inside), outside)
    value = float(above.mean())
    return Measurement(value=value, n=number, **score_interval(value, auc_spread(above, below), BY_DELONG))


def auc_spread(above: NDArray[np.float64], below: NDArray[np.float64]) -> Spread | None:
    """The spread of an AUROC, from the share of the other side that each value is in the right order with.

    `above` [n] are the shares of one side, `below` [m] those of the other. The number of images is that of
    two sides of equal size, the degrees of freedom are Satterthwaite's. None where a side has one value.
    Source: DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44, 837-845.
    """
    if above.size < 2 or below.size < 2:
        return None
    sides = above, below
    variances = np.array([each.var(ddof=1) / each.size for each in sides])
    squares = float(np.sum(variances**2 / [each.size - 1 for each in sides]))
    influence = np.concatenate(
        [(each - each.mean()) / (each.size * (each.size - 1)) ** 0.5 for each in sides]
    )
    freedom = float(variances.sum() ** 2 / squares) if squares else min(above.size, below.size) - 1
    return Spread(influence, 4 / (1 / above.size + 1 / below.size), freedom)


def share_below(others: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The fraction of `others` (ascending) below each value; ties count one half.

    >>> share_below(np.array([0.0, 1.0]), np.array([1.0, 2.0])).tolist()
    [0.75, 1.0]
    """
    left, right = (np.searchsorted(others, values, side=side) for side in ("left", "right"))
    return np.asarray((left + right) / (2 * others.size), dtype=np.float64)
