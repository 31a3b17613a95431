"""How well a model's confidence tells images of its classes from others: the AUROC of two sets of images."""

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction
from vlbench.core.errors import Unsupported
from vlbench.core.measurement import Measurement
from vlbench.metrics.intervals import normal_fraction
from vlbench.metrics.requirements import best_scores

BASELINE = "highest softmax probability"


def confidence(prediction: Prediction) -> NDArray[np.float64]:
    """The logarithm of each image's highest softmax probability over the texts, [n].

    Source: Hendrycks & Gimpel 2017, A Baseline for Detecting Misclassified and Out-of-Distribution Examples
    (arXiv 1610.02136), section 2.

    Raises:
        Unsupported: the scoring kept no sums, or the model's scores have no softmax.
    """
    _, scores = best_scores(prediction, metric="ood")
    if prediction.log_sums is None or prediction.unit.kind == "probability":
        raise Unsupported(
            "out-of-distribution detection needs a softmax over the classes; a tagger's scores have none: "
            "choose another model"
        )
    return np.asarray(scores[:, 0].astype(np.float64) - prediction.log_sums, dtype=np.float64)


def auroc(inside: NDArray[np.float64], outside: NDArray[np.float64]) -> Measurement:
    """The probability that a value of `inside` [n] is above one of `outside` [m]; ties count one half.

    `n` counts all values; the interval is DeLong's.
    Source: DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44, 837-845.

    >>> auroc(np.array([0.9, 0.5]), np.array([0.5, 0.1])).value
    0.875
    """
    number = inside.size + outside.size
    if not inside.size or not outside.size:
        return Measurement(value=None, n=number)
    above = _share_below(np.sort(outside), inside)
    below = 1 - _share_below(np.sort(inside), outside)
    value = float(above.mean())
    if inside.size < 2 or outside.size < 2:
        return Measurement(value=value, n=number)
    variance = float(above.var(ddof=1) / above.size + below.var(ddof=1) / below.size)
    interval = normal_fraction(value, variance, "DeLong")
    return Measurement(
        value=value, n=number, ci_low=interval.low, ci_high=interval.high, ci_method=interval.method
    )


def _share_below(others: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The fraction of others (ascending) below each value, ties counted one half."""
    left, right = (np.searchsorted(others, values, side=side) for side in ("left", "right"))
    return np.asarray((left + right) / (2 * others.size), dtype=np.float64)
