"""Pseudo-values that metrics give: of the right images, with the value as their mean and its own spread."""

import numpy as np
import pytest

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.measurement import MetricOptions
from vlbench.metrics.average_precision import mean_average_precision
from vlbench.metrics.class_scores import macro_f1_of_classes, roc_auc
from vlbench.metrics.thresholds import macro_f1, micro_recall

UNIT = ScoreUnit("cosine")
N = 60


def of_matrix(scores, relevant, ranks_of):
    return Prediction(UNIT, {"scores": scores})


def of_classes(scores, relevant, ranks_of):
    best = np.argsort(-scores, axis=1)
    return Prediction(
        UNIT,
        {
            "row_ranks": ranks_of(scores, relevant),
            "best": best,
            "best_scores": np.take_along_axis(scores, best, axis=1),
        },
    )


def classes(number):
    return np.eye(number, dtype=bool)[np.random.default_rng(1).integers(number, size=N)]


CASES = {
    "mean_average_precision": (mean_average_precision, None, of_matrix, 4),
    "macro_f1": (macro_f1, 0.5, of_matrix, 4),
    "micro_recall": (micro_recall, 0.5, of_matrix, 4),
    "roc_auc": (roc_auc, None, of_classes, 2),
    "macro_f1_of_classes": (macro_f1_of_classes, None, of_classes, 3),
}


@pytest.fixture(params=CASES, ids=str)
def case(request, problem_of, ranks_of):
    """A function that measures some of the images, and what it says of all."""
    metric, at, predict, texts = CASES[request.param]
    relevant = classes(texts)
    if predict is of_matrix:
        relevant |= np.random.default_rng(2).random(relevant.shape) < 0.2
    scores = np.random.default_rng(3).normal(size=relevant.shape).astype(np.float32) + relevant

    def measure(kept):
        prediction = predict(scores[kept], relevant[kept], ranks_of)
        return metric(prediction, problem_of(relevant[kept]), MetricOptions(at=at))

    return measure, measure(np.arange(N))


def test_their_mean_is_the_value_and_their_spread_its_interval(case):
    _, whole = case
    assert whole.influence.shape == (N,)
    error = whole.influence.std(ddof=1) / N**0.5
    assert whole.influence.mean() == pytest.approx(whole.value, abs=error)  # but for the jackknife's bias
    # two degrees of freedom or more, and the image more of the interval
    assert 2.001 * error == pytest.approx((whole.ci_high - whole.ci_low) / 2, rel=0.08)


def test_they_lie_in_the_order_of_the_images(case):
    measure, whole = case
    without = [measure(np.delete(np.arange(N), i)).value for i in range(N)]
    brute_force = N * whole.value - (N - 1) * np.array(without)
    assert np.corrcoef(brute_force, whole.influence)[0, 1] > 0.99


def test_without_an_interval_there_are_none(problem_of):
    one = mean_average_precision(
        Prediction(UNIT, {"scores": np.ones((1, 1))}), problem_of(np.ones((1, 1), bool)), MetricOptions()
    )
    assert one.influence is None
