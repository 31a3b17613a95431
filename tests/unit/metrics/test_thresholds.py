import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score, precision_score, recall_score

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.errors import NotFinite, Unsupported
from vlbench.core.measurement import MetricOptions
from vlbench.metrics import thresholds
from vlbench.metrics.columns import pairs_of
from vlbench.metrics.thresholds import F1, PRECISION, RECALL, macro, micro, score_threshold, score_thresholds

METRICS = {
    f"{averaging}_{name}": (getattr(thresholds, f"{averaging}_{name}"), averaging, oracle)
    for averaging in ("macro", "micro")
    for name, oracle in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score))
}


@pytest.fixture
def case():
    """60 images, 9 tags: tag 0 without positives but given, tag 1 with positives and never given."""
    generator = np.random.default_rng(5)
    relevant = generator.random((60, 9)) < 0.3
    scores = (generator.standard_normal((60, 9)) + relevant).astype(np.float32)
    relevant[:, 0] = False
    scores[:, 1] = -9
    return scores, relevant


@pytest.mark.parametrize("name", METRICS)
def test_equals_scikit_learn_on_tags_with_positives(name, case, problem_of):
    metric, averaging, oracle = METRICS[name]
    scores, relevant = case
    found = metric(
        Prediction(ScoreUnit("probability"), {"scores": scores}), problem_of(relevant), MetricOptions(at=0.6)
    )
    given = scores[:, 1:] > math.log(0.6 / 0.4)
    expected = oracle(relevant[:, 1:], given, average=averaging, zero_division=0)
    assert found.value == pytest.approx(expected, abs=1e-12)
    assert (found.n, found.left_out) == (8, 1)
    assert 0 <= found.ci_low < found.value < found.ci_high <= 1
    assert found.ci_method == "Wilson, by the variance over images"


def weighted(scores, relevant, weights, *, threshold, averaging, ratio):
    """The mean ratio where image i counts weights[i] times, as directly as it can be written."""
    kept = relevant.any(axis=0)
    given, true = scores[:, kept] > threshold, relevant[:, kept]
    axis = 0 if averaging is macro else None
    by_image = weights[:, None]
    part = ratio.hits * (by_image * (given & true)).sum(axis=axis)
    whole = (by_image * (ratio.given * given.astype(int) + ratio.true * true)).sum(axis=axis)
    return np.mean(np.divide(part, whole, out=np.zeros_like(part, dtype=float), where=np.asarray(whole) > 0))


@pytest.mark.parametrize("averaging", [macro, micro])
@pytest.mark.parametrize("ratio", [PRECISION, RECALL, F1])
def test_influence_is_the_derivative_by_an_images_weight(averaging, ratio, case):
    scores, relevant = case
    found = averaging(scores, pairs_of(relevant), threshold=0.4, ratio=ratio)
    step = 1e-5
    for image in range(0, 60, 7):
        moved = [
            weighted(
                scores,
                relevant,
                np.where(np.arange(60) == image, 1 + sign * step, 1.0),
                threshold=0.4,
                averaging=averaging,
                ratio=ratio,
            )
            for sign in (1, -1)
        ]
        assert found.influence[image] == pytest.approx((moved[0] - moved[1]) / (2 * step), abs=1e-9)
    assert found.influence.sum() == pytest.approx(0, abs=1e-12)  # scaling all weights changes nothing


def test_by_hand(problem_of):
    # given: t0 on images 0 1 2, t1 on image 0; true: t0 on 0 3, t1 on 0
    scores = np.array([[2, 2], [2, 0], [2, 0], [0, 0]], dtype=np.float32)
    relevant = np.array([[1, 1], [0, 0], [0, 0], [1, 0]], dtype=bool)
    prediction = Prediction(ScoreUnit("cosine"), {"scores": scores})
    values = [
        METRICS[name][0](prediction, problem_of(relevant), MetricOptions(at=1)).value for name in METRICS
    ]
    assert values == pytest.approx([(1 / 3 + 1) / 2, (1 / 2 + 1) / 2, (2 / 5 + 1) / 2, 2 / 4, 2 / 3, 4 / 7])


@pytest.mark.parametrize("name", METRICS)
def test_rare_tags_that_are_all_found_are_not_certain(name, problem_of):
    relevant = np.eye(12, dtype=bool)  # every tag is true of one image
    prediction = Prediction(ScoreUnit("cosine"), {"scores": relevant.astype(np.float32)})
    found = METRICS[name][0](prediction, problem_of(relevant), MetricOptions(at=0.5))
    assert found.value == 1
    assert 0.6 < found.ci_low < 0.8
    assert found.ci_high == 1


def test_tags_of_one_positive_add_their_variance(problem_of):
    # of 12 tags with one positive each half are found
    relevant = np.eye(12, dtype=bool)
    scores = relevant * np.where(np.arange(12) < 6, 2.0, 0.0)
    prediction = Prediction(ScoreUnit("cosine"), {"scores": scores.astype(np.float32)})
    found = thresholds.macro_recall(prediction, problem_of(relevant), MetricOptions(at=1))
    exact = stats.binomtest(6, 12).proportion_ci(method="wilson")
    assert (found.ci_low, found.ci_high) == pytest.approx((exact.low, exact.high), abs=0.03)


def test_a_score_at_the_threshold_is_not_given(problem_of):
    unit = ScoreUnit("cosine", scale=100.0, bias=-3.0)
    scores = np.array([[np.float32(0.3 * 100 - 3)], [28.0]], dtype=np.float32)
    found = thresholds.micro_recall(
        Prediction(unit, {"scores": scores}), problem_of(np.ones((2, 1), dtype=bool)), MetricOptions(at=0.3)
    )
    assert found.value == 0.5


def test_thresholds_of_either_unit():
    assert score_threshold(0.2, ScoreUnit("cosine", scale=50.0, bias=-10.0)) == 0.0
    assert score_threshold(0.5, ScoreUnit("probability")) == 0.0
    assert score_threshold(1.0, ScoreUnit("probability")) == math.inf
    assert score_threshold(0.0, ScoreUnit("probability")) == -math.inf
    stated = score_thresholds([0.0, 0.5, 0.65], ScoreUnit("probability"))
    assert stated.tolist() == [-math.inf, 0.0, math.log(0.65) - math.log1p(-0.65)]


def test_scores_and_threshold_shifted_together(case):
    scores, relevant = np.round(case[0] * 8), case[1]  # whole numbers: the shift is exact
    here = macro(scores, pairs_of(relevant), threshold=3.0, ratio=F1)
    there = macro(scores - 500, pairs_of(relevant), threshold=-497.0, ratio=F1)
    np.testing.assert_array_equal(here.values, there.values)


@pytest.mark.parametrize("name", ["macro_precision", "micro_precision"])
def test_precision_without_a_given_tag_is_zero_and_has_no_interval(name, problem_of):
    prediction = Prediction(ScoreUnit("cosine"), {"scores": np.zeros((3, 2), dtype=np.float32)})
    found = METRICS[name][0](prediction, problem_of(np.ones((3, 2), dtype=bool)), MetricOptions(at=0.5))
    assert (found.value, found.ci_low, found.ci_high) == (0.0, None, None)


@pytest.mark.parametrize("name", METRICS)
def test_without_a_number_the_models_own_thresholds_decide(name, problem_of):
    truth = np.array([[True, False], [False, True], [True, True]])
    scores = np.array([[1.0, 1.0], [-1.0, 3.0], [2.0, 0.5]], dtype=np.float32)
    unit = ScoreUnit("probability")
    own = Prediction(unit, {"scores": scores, "thresholds": np.array([0.5, 1 / (1 + math.exp(-2.0))])})
    moved = scores - np.array([0.0, 2.0], dtype=np.float32)
    metric = METRICS[name][0]
    found = metric(own, problem_of(truth), MetricOptions())
    at_half = metric(Prediction(unit, {"scores": moved}), problem_of(truth), MetricOptions(at=0.5))
    assert found == at_half
    assert found.value is not None


@pytest.mark.parametrize("name", METRICS)
def test_no_positives_no_number_no_scores(name, problem_of):
    metric = METRICS[name][0]
    scores = np.ones((3, 2), dtype=np.float32)
    prediction = Prediction(ScoreUnit("cosine"), {"scores": scores})
    empty = metric(prediction, problem_of(np.zeros((3, 2), dtype=bool)), MetricOptions(at=0.5))
    assert (empty.value, empty.n, empty.left_out) == (None, 0, 2)
    problem = problem_of(np.ones((3, 2), dtype=bool))
    unstated = metric(prediction, problem, MetricOptions())
    assert (unstated.value, unstated.n) == (None, 0)
    with pytest.raises(Unsupported, match=f"{name} reads scores, which"):
        metric(Prediction(ScoreUnit("cosine")), problem, MetricOptions(at=0.5))
    scores[1, 1] = np.nan
    with pytest.raises(NotFinite, match="image 1 for text 1"):
        metric(prediction, problem, MetricOptions(at=0.5))
