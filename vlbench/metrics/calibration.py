"""Calibration of classification: the model's scores, at its own scale, as a softmax over the classes.

All of it comes from what a prediction keeps of each image: the best score, the right class's score, and the
logarithms of two sums over all classes. A model whose scores are logits of independent probabilities (a
tagger) has no softmax: its values are None.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction
from vlbench.core.measurement import Measurement, MetricOptions, Part
from vlbench.core.metric import metric
from vlbench.core.problem import Problem
from vlbench.core.student import student_quantile
from vlbench.metrics.accuracy import class_hits, one_class_each
from vlbench.metrics.class_weights import image_spread
from vlbench.metrics.intervals import Interval, mean_interval, wilson

SOFTMAX = frozenset({"row_ranks", "best_scores", "right_scores", "log_sums", "log_square_sums"})
"""What `softmax_of` reads of a prediction."""
BINS = 15
"""Bins of the expected calibration error, as in Guo et al.'s tables."""


@dataclass(frozen=True, slots=True)
class Softmax:
    """What is known of each measured image's probabilities, [n] each, and how many images are left out.

    `log_right` is the logarithm of the right class's probability, `best` the highest probability, `squares`
    the sum of all squared, `hits` whether the right class is the only best one.
    """

    log_right: NDArray[np.float64]
    best: NDArray[np.float64]
    squares: NDArray[np.float64]
    hits: NDArray[np.bool_]
    left_out: int


def softmax_of(prediction: Prediction, problem: Problem) -> Softmax | None:
    """The probabilities of a prediction's images; None where the model's scores have no softmax.

    Raises:
        Unsupported: an image has several classes.
    """
    relevant = problem.relevant
    ranks = prediction["row_ranks"]
    scores = prediction["best_scores"]
    right, sums, squares = prediction["right_scores"], prediction["log_sums"], prediction["log_square_sums"]
    if prediction.unit.kind == "probability":
        return None
    kept = relevant.candidates
    total = sums[kept].astype(np.float64)
    below = right[kept].astype(np.float64) - scores[kept, 0]
    return Softmax(
        log_right=np.minimum(below - total, 0.0),
        best=np.minimum(np.exp(-total), 1.0),
        squares=np.minimum(np.exp(squares[kept] - 2 * total), 1.0),
        hits=ranks[kept] == 1,
        left_out=relevant.shape[0] - kept.size,
    )


@metric(
    reads=SOFTMAX,
    suits=one_class_each,
    lower_is_better=True,
    at="k",
)
def ece(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Expected calibration error: confidence against accuracy, bin by bin; low for constant answers too.

    15 bins of equal width, or as many as stand behind an @; lower is better, but alone no sign of a good
    model: one that always answers the same, as unsure as chance, is well calibrated. Where the right class
    ties for the best an image is wrong, as everywhere. On few images the value is too high, that of a
    calibrated model wholly: the interval's lower end takes off what a calibrated model of these confidences
    would have.
    Source: Guo et al. 2017, On Calibration of Modern Neural Networks (arXiv 1706.04599), equation 3.
    """
    bins = BINS if options.at is None else int(options.number)
    found = softmax_of(prediction, problem)
    if found is None or not found.best.size:
        return _unmeasured(problem, found)
    error = calibration_error(found.best, found.hits, bins=bins)
    interval = error.interval
    return Measurement(
        value=error.value,
        n=error.influence.size,
        ci_low=interval.low,
        ci_high=interval.high,
        ci_method=interval.method,
        left_out=found.left_out,
    )


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """An expected calibration error, each image's influence on it [n], and its bias.

    `bias` is the error that a calibrated model of the same confidences would show on so many images: the mean
    distance from 0 of what is normal in each bin.
    """

    value: float
    influence: NDArray[np.float64]
    bias: float

    @property
    def interval(self) -> Interval:
        """Normal, from `bias` below the value; one image more is taken to lie wholly off. None for n < 2."""
        n = self.influence.size
        if n < 2:
            return Interval()
        spread = image_spread(self.influence, np.ones(n, dtype=np.bool_))
        half = student_quantile(spread.freedom) * (spread.variance + 1 / n**2) ** 0.5
        low, high = max(0.0, self.value - self.bias - half), min(1.0, self.value + half)
        return Interval(low, high, "normal over images, less the bias of few at the lower end")


def calibration_error(
    confidence: NDArray[np.float64], hits: NDArray[np.bool_], *, bins: int
) -> CalibrationError:
    """The expected calibration error of confidences [n].

    Bin b of B holds the confidences in (b / B, (b + 1) / B]; 0 lies in the first.

    >>> calibration_error(np.array([0.9, 0.8, 0.3]), np.array([True, False, True]), bins=2).value
    0.4666666666666666
    """
    number = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = confidence - hits
    sums = np.bincount(number, weights=gaps, minlength=bins)
    value = float(np.abs(sums).sum() / gaps.size)
    variances = np.bincount(number, weights=confidence * (1 - confidence), minlength=bins)
    return CalibrationError(
        value=value,
        influence=(np.sign(sums)[number] * gaps - value) / gaps.size,
        bias=float(np.sqrt(2 / np.pi * variances).sum() / gaps.size),
    )


@metric(
    reads=SOFTMAX,
    suits=one_class_each,
    lower_is_better=True,
    most=2.0,
)
def brier(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean over images of the squared error of the probabilities, summed over the classes: 0 to 2.

    Lower is better; the interval is Student's of the mean.
    Source: Brier 1950, Monthly Weather Review 78, 1-3, equation 2.
    """
    found = softmax_of(prediction, problem)
    if found is None:
        return _unmeasured(problem, found)
    return _mean(found.squares - 2 * np.exp(found.log_right) + 1, found.left_out)


@metric(
    reads=SOFTMAX,
    suits=one_class_each,
    lower_is_better=True,
    most=None,
)
def nll(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean over images of the negative logarithm of the right class's probability, in nats.

    Lower is better; the interval is Student's of the mean.
    """
    found = softmax_of(prediction, problem)
    return _unmeasured(problem, found) if found is None else _mean(-found.log_right, found.left_out)


@metric(reads={"row_ranks"}, suits=one_class_each)
def worst_class_accuracy(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """The lowest fraction of a class's images that are right, over the classes that have images.

    `n` counts those classes, `left_out` those without images; the part is the class, the first of equally bad
    ones. The interval is Wilson's of that class, as if it had been chosen beforehand.

    Raises:
        Unsupported: an image has several classes.
    """
    relevant = problem.relevant
    ranks = prediction["row_ranks"][relevant.candidates]
    counted = class_hits(ranks, relevant.queries, number=relevant.shape[1])
    classes = int((counted.sizes > 0).sum())
    left_out = counted.sizes.size - classes
    if not classes:
        return Measurement(value=None, n=0, left_out=left_out)
    worst = int(np.nanargmin(counted.recall))
    value, size = float(counted.recall[worst]), int(counted.sizes[worst])
    interval = wilson(int(counted.hits[worst]), size)
    return Measurement(
        value=value,
        n=classes,
        ci_low=interval.low,
        ci_high=interval.high,
        ci_method=f"{interval.method}, of the worst class",
        left_out=left_out,
        parts=(Part(problem.names[worst], value, size),),
    )


def _mean(values: NDArray[np.float64], left_out: int) -> Measurement:
    if not values.size:
        return Measurement(value=None, n=0, left_out=left_out)
    interval = mean_interval(values)
    return Measurement(
        value=float(values.mean()),
        n=values.size,
        ci_low=interval.low,
        ci_high=interval.high,
        ci_method=interval.method,
        left_out=left_out,
        influence=None if left_out else values,
    )


def _unmeasured(problem: Problem, found: Softmax | None) -> Measurement:
    left_out = problem.relevant.shape[0] if found is None else found.left_out
    return Measurement(value=None, n=0, left_out=left_out)
