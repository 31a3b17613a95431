"""Calibration of classification: the model's scores, at its own scale, as a softmax over the classes.

A prediction keeps what is needed of each image: the best score, the right class's score, and the logarithms
of two sums over all classes. The scores of a tagger are logits of independent probabilities and have no
softmax: its values are None.
"""

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction
from vlbench.core.measurement import Measurement, MetricOptions, student_quantile
from vlbench.core.metric import metric
from vlbench.core.problem import Problem
from vlbench.metrics.accuracy import one_class_each
from vlbench.metrics.intervals import Interval, image_spread

SOFTMAX = frozenset({"row_ranks", "best_scores", "right_scores", "log_sums", "log_square_sums"})
"""The arrays from which the probabilities follow; each metric here reads all of them."""
BINS = 15
"""How many bins the expected calibration error has, as in the tables of Guo et al."""


def _shares(problem: Problem) -> NDArray[np.float64] | None:
    """The share of each class that has images; None where classes are not asked about all images."""
    sizes = problem.relevant.column_counts
    return None if problem.asked is not None or not sizes.any() else sizes[sizes > 0] / sizes.sum()


def _certain_of_shares(problem: Problem, _: MetricOptions) -> float | None:
    """The least calibration error of one distribution for all images: none, of the classes' shares."""
    return None if _shares(problem) is None else 0.0


def _square_of_shares(problem: Problem, _: MetricOptions) -> float | None:
    """The least squared error of one distribution for all images, that of the classes' shares."""
    shares = _shares(problem)
    return None if shares is None else float(1 - (shares**2).sum())


def _entropy_of_shares(problem: Problem, _: MetricOptions) -> float | None:
    """The least negative log-likelihood of one distribution for all images: the entropy of the shares."""
    shares = _shares(problem)
    return None if shares is None else float(-(shares * np.log(shares)).sum())


@metric(reads=SOFTMAX, suits=one_class_each, lower_is_better=True, at="k", constant=_certain_of_shares)
def ece(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Expected calibration error: the distance of confidence and accuracy, averaged over bins.

    There are 15 bins of equal width, or the number after an @. Lower is better, but a low value alone does
    not show a good model: one that is always as unsure as chance is well calibrated. An image whose right
    class ties for the best is wrong. On few images the value is too high, even for a calibrated model: the
    lower end of the interval therefore subtracts the error that a calibrated model with the same confidences
    would show. The interval allows for one further image that is fully off.
    Source: Guo et al. 2017, On Calibration of Modern Neural Networks (arXiv 1706.04599), equation 3.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> halves = {"log_sums": np.log([1.25, 1.25]), "log_square_sums": np.log([1.0625, 1.0625])}
    >>> prediction = small_prediction(
    ...     row_ranks=[1, 2], best_scores=[[0.0], [0.0]], right_scores=[0.0, np.log(0.25)], **halves
    ... )  # probabilities 0.8 and 0.2 for both images; the second one is wrong
    >>> round(ece(prediction, small_problem([[1, 0], [0, 1]]), MetricOptions()).value, 4)
    0.3
    """
    kept = problem.relevant.candidates
    if prediction.unit.kind == "probability" or not kept.size:
        return Measurement(value=None, n=0, left_out=problem.relevant.shape[0])
    confidence = np.minimum(np.exp(-prediction["log_sums"][kept].astype(np.float64)), 1.0)
    bins = BINS if options.at is None else int(options.number)
    value, influence, bias = calibration_error(confidence, prediction["row_ranks"][kept] == 1, bins=bins)
    n = influence.size
    interval = Interval()
    if n > 1:
        spread = image_spread(influence, np.ones(n, dtype=np.bool_))
        half = student_quantile(spread.freedom) * (spread.variance + 1 / n**2) ** 0.5
        interval = Interval(
            ci_low=max(0.0, value - bias - half),
            ci_high=min(1.0, value + half),
            ci_method="normal over images, less the bias of few at the lower end",
        )
    return Measurement(value=value, n=n, left_out=problem.relevant.shape[0] - n, **interval)


def calibration_error(
    confidence: NDArray[np.float64], hits: NDArray[np.bool_], *, bins: int
) -> tuple[float, NDArray[np.float64], float]:
    """The expected calibration error of confidences [n], each image's influence on it [n], and its bias.

    Bin b of B holds the confidences in (b / B, (b + 1) / B]; 0 belongs to the first. The bias is the error
    that a calibrated model with the same confidences would show on as many images: the mean absolute value of
    a normal deviation in each bin.

    >>> calibration_error(np.array([0.9, 0.8, 0.3]), np.array([True, False, True]), bins=2)[0]
    0.4666666666666666
    """
    number = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = confidence - hits
    sums = np.bincount(number, weights=gaps, minlength=bins)
    value = float(np.abs(sums).sum() / gaps.size)
    influence = (np.sign(sums)[number] * gaps - value) / gaps.size
    variances = np.bincount(number, weights=confidence * (1 - confidence), minlength=bins)
    return value, influence, float(np.sqrt(2 / np.pi * variances).sum() / gaps.size)


@metric(reads=SOFTMAX, suits=one_class_each, lower_is_better=True, most=2.0, constant=_square_of_shares)
def brier(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Squared error of the probabilities, summed over the classes, averaged over images: 0 to 2.

    Lower is better; the interval is Student's for the mean.
    Source: Brier 1950, Monthly Weather Review 78, 1-3, equation 2.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> halves = {"log_sums": np.log([1.25, 1.25]), "log_square_sums": np.log([1.0625, 1.0625])}
    >>> prediction = small_prediction(
    ...     row_ranks=[1, 2], best_scores=[[0.0], [0.0]], right_scores=[0.0, np.log(0.25)], **halves
    ... )  # probabilities 0.8 and 0.2 for both images; the second one is wrong
    >>> round(brier(prediction, small_problem([[1, 0], [0, 1]]), MetricOptions()).value, 4)
    0.68
    """
    kept = problem.relevant.candidates
    totals = prediction["log_sums"][kept].astype(np.float64)
    squares = np.minimum(np.exp(prediction["log_square_sums"][kept] - 2 * totals), 1.0)
    return _mean(squares - 2 * np.exp(log_right(prediction, kept)) + 1, prediction, problem)


@metric(reads=SOFTMAX, suits=one_class_each, lower_is_better=True, most=None, constant=_entropy_of_shares)
def nll(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Negative log-likelihood of the right class, in nats, averaged over images.

    Lower is better; the interval is Student's for the mean.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> halves = {"log_sums": np.log([1.25, 1.25]), "log_square_sums": np.log([1.0625, 1.0625])}
    >>> prediction = small_prediction(
    ...     row_ranks=[1, 2], best_scores=[[0.0], [0.0]], right_scores=[0.0, np.log(0.25)], **halves
    ... )  # probabilities 0.8 and 0.2 for both images; the second one is wrong
    >>> round(nll(prediction, small_problem([[1, 0], [0, 1]]), MetricOptions()).value, 4)
    0.9163
    """
    return _mean(-log_right(prediction, problem.relevant.candidates), prediction, problem)


def log_right(prediction: Prediction, images: NDArray[np.int64]) -> NDArray[np.float64]:
    """The logarithm of the right class's probability for some images, [p]."""
    below = prediction["right_scores"][images].astype(np.float64) - prediction["best_scores"][images, 0]
    totals = prediction["log_sums"][images].astype(np.float64)
    return np.asarray(np.minimum(below - totals, 0.0), dtype=np.float64)


def _mean(values: NDArray[np.float64], prediction: Prediction, problem: Problem) -> Measurement:
    """The mean of losses [n] >= 0, with Student's interval; None for scores without a softmax."""
    images, n = problem.relevant.shape[0], values.size
    if prediction.unit.kind == "probability" or not n:
        return Measurement(value=None, n=0, left_out=images)
    mean, interval = float(values.mean()), Interval()
    if n > 1 and np.ptp(values) != 0:  # equal ones say nothing of how much they vary
        half = student_quantile(n - 1) * float(values.std(ddof=1)) / n**0.5
        method = "Student's, of the mean over images"
        interval = Interval(ci_low=max(0.0, mean - half), ci_high=mean + half, ci_method=method)
    influence = None if n < images else values
    return Measurement(value=mean, n=n, left_out=images - n, influence=influence, **interval)
