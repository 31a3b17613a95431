"""What a metric needs of a prediction and of its options, or the error that says what is missing."""

import math

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction
from vlbench.core.errors import CardError, Unsupported
from vlbench.core.measurement import MetricOptions


def row_ranks(prediction: Prediction, *, metric: str) -> NDArray[np.int64]:
    """Rank of each image's best right text, [n]; 0 where an image has none.

    Raises:
        Unsupported: the task's scoring kept no such ranks.
    """
    if prediction.row_ranks is None:
        raise Unsupported(_missing(metric, "ranks of each image's texts", "row_ranks or two_way_ranks"))
    return prediction.row_ranks


def column_ranks(prediction: Prediction, *, metric: str) -> NDArray[np.int64]:
    """Rank of each text's best right image, [m]; 0 where a text has none.

    Raises:
        Unsupported: the task's scoring kept no such ranks.
    """
    if prediction.column_ranks is None:
        raise Unsupported(_missing(metric, "ranks of each text's images", "two_way_ranks"))
    return prediction.column_ranks


def score_matrix(prediction: Prediction, *, metric: str) -> NDArray[np.float32]:
    """All scores, [n, m].

    Raises:
        Unsupported: the task's scoring kept no matrix.
    """
    if prediction.scores is None:
        raise Unsupported(_missing(metric, "the whole score matrix", "matrix"))
    return prediction.scores


def best_scores(prediction: Prediction, *, metric: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Each image's best texts and their scores, [n, k] each, in descending order.

    Raises:
        Unsupported: the task's scoring kept none.
    """
    if prediction.best is None or prediction.best_scores is None:
        raise Unsupported(_missing(metric, "each image's best texts", "row_ranks"))
    return prediction.best, prediction.best_scores


def cutoff(options: MetricOptions, *, metric: str) -> int:
    """The k of a metric asked for as `metric@k`.

    Raises:
        CardError: there is no number, or it is no whole number of at least 1.
    """
    if options.at is None or options.at < 1 or not float(options.at).is_integer():
        raise CardError(f"{metric} needs a whole number of 1 or more behind an @; write {metric}@5")
    return int(options.at)


def stated_threshold(options: MetricOptions, *, metric: str) -> float:
    """The threshold of a metric asked for as `metric@threshold`, in people's units.

    Raises:
        CardError: there is no number.
    """
    if options.at is None or math.isnan(options.at):
        raise CardError(f"{metric} needs a threshold behind an @; write {metric}@0.5")
    return float(options.at)


def refuse_number(options: MetricOptions, *, metric: str) -> None:
    """Check that a metric without a parameter was asked for without one.

    Raises:
        CardError: a number stands behind its name.
    """
    if options.at is not None:
        raise CardError(f"{metric} takes no number behind an @ (found {options.at:g}); write {metric}")


def _missing(metric: str, what: str, scoring: str) -> str:
    return (
        f"{metric} reads {what}, which this task does not keep; "
        f"take it out of the task's metrics, or use a task kind whose scoring is {scoring}"
    )
