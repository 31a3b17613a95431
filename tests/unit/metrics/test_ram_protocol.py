"""RAM's protocol as metrics, on the numbers of the authors' code."""

import numpy as np
import pytest

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.errors import CardError, NotFinite
from vlbench.core.measurement import MetricOptions
from vlbench.metrics.average_precision import mean_average_precision
from vlbench.metrics.ram_protocol import (
    ram_average_precision,
    ram_mean_average_precision,
    ram_precision,
    ram_precision_recall,
    ram_recall,
)
from vlbench.metrics.thresholds import score_thresholds

AS_IT_IS = ScoreUnit("cosine")
EXACT = {"atol": 1e-6, "rtol": 0}


def of_classes(predicted, relevant):
    columns = zip(predicted.T, relevant.T, strict=True)
    return np.transpose([ram_precision_recall(given, true) for given, true in columns])


def test_ram_average_precision(parity):
    data = parity("ram_map_pr")
    columns = zip(data["scores"].T, data["targets"].T, strict=True)
    stable = np.array([ram_average_precision(scores, targets) for scores, targets in columns])
    np.testing.assert_allclose(stable, data["AP_tie_rule_stable_reversed"], **EXACT)
    untied = [j for j in range(12) if j != 4]
    np.testing.assert_allclose(stable[untied], data["AP"][untied], **EXACT)
    assert stable[7] == 0  # no positives, and part of the published mean
    # what one machine made of the ties of class 4 is all the published mean differs by
    assert stable.mean() + (data["AP"][4] - stable[4]) / 12 == pytest.approx(float(data["mAP"]), abs=1e-6)


def test_ram_precision_and_recall(parity):
    data = parity("ram_map_pr")
    given = data["scores"] >= data["thresholds"]
    given[:, 9] = False  # the fixture never predicts this class
    np.testing.assert_array_equal(given, data["pred"])
    precision, recall = of_classes(data["pred"], data["targets"])
    np.testing.assert_allclose(precision, data["P_per_class"], **EXACT)
    np.testing.assert_allclose(recall, data["R_per_class"], **EXACT)
    assert precision.mean() == pytest.approx(float(data["P"]), abs=1e-6)
    assert recall.mean() == pytest.approx(float(data["R"]), abs=1e-6)


def test_mean_average_precision_with_the_tie_rule(parity, problem_of):
    data = parity("ram_map_pr")
    problem = problem_of(data["targets"])
    found = ram_mean_average_precision(
        Prediction(AS_IT_IS, {"scores": data["scores"]}), problem, MetricOptions()
    )
    expected = data["AP_tie_rule_stable_reversed"]
    assert found.value == pytest.approx(expected.mean(), abs=1e-6)
    np.testing.assert_allclose([part.value for part in found.parts], expected, atol=1e-6)
    assert (found.n, found.left_out, found.ci_low) == (12, 0, None)  # a tag without positives counts as 0


def test_ours_is_theirs_where_nothing_ties_and_every_tag_has_positives(parity, problem_of):
    data = parity("ram_map_pr")
    kept = (data["AP_tie_best"] == data["AP_tie_worst"]) & data["targets"].any(axis=0)
    assert kept.sum() >= 8
    problem = problem_of(data["targets"][:, kept])
    prediction = Prediction(AS_IT_IS, {"scores": np.ascontiguousarray(data["scores"][:, kept])})
    ours = mean_average_precision(prediction, problem, MetricOptions()).value
    theirs = ram_mean_average_precision(prediction, problem, MetricOptions()).value
    assert ours == pytest.approx(theirs, abs=1e-7)


@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_precision_and_recall_from_a_threshold_on(parity, problem_of, threshold):
    data = parity("ram_map_pr")
    problem, prediction = problem_of(data["targets"]), Prediction(AS_IT_IS, {"scores": data["scores"]})
    precision, recall = of_classes(data["scores"] >= np.float32(threshold), data["targets"])
    options = MetricOptions(at=threshold)
    assert ram_precision(prediction, problem, options).value == pytest.approx(precision.mean())
    assert ram_recall(prediction, problem, options).value == pytest.approx(recall.mean())


def test_a_tag_at_its_threshold_is_given(problem_of):
    scores = np.array([[0.0], [-1.0]], dtype=np.float32)  # probabilities 0.5 and 0.27
    prediction = Prediction(ScoreUnit("probability"), {"scores": scores})
    found = ram_recall(prediction, problem_of(np.ones((2, 1), dtype=bool)), MetricOptions(at=0.5))
    assert found.value == pytest.approx(0.5)


def test_equal_scores_follow_the_order_of_the_images(problem_of):
    prediction = Prediction(AS_IT_IS, {"scores": np.zeros((4, 1), dtype=np.float32)})
    last = problem_of(np.array([[False], [False], [False], [True]]))
    assert ram_mean_average_precision(prediction, last, MetricOptions()).value == pytest.approx(1)
    assert mean_average_precision(prediction, last, MetricOptions()).value == pytest.approx(1 / 4)


def test_nan_and_a_missing_threshold_are_refused(problem_of):
    problem = problem_of(np.ones((2, 1), dtype=bool))
    bad = Prediction(AS_IT_IS, {"scores": np.array([[np.nan], [0.0]], dtype=np.float32)})
    for metric, options in (
        (ram_mean_average_precision, MetricOptions()),
        (ram_recall, MetricOptions(at=0.5)),
    ):
        with pytest.raises(NotFinite, match="image 0 for text 0"):
            metric(bad, problem, options)
    with pytest.raises(CardError, match=r"write ram_precision@0\.5"):
        ram_precision(bad, problem, MetricOptions())
    with pytest.raises(CardError, match="takes no number"):
        ram_mean_average_precision(bad, problem, MetricOptions(at=1))


def test_the_fixtures_decisions_follow_from_thresholds_of_each_tag(parity):
    data = parity("ram_map_pr")
    given = data["scores"] >= score_thresholds(data["thresholds"], AS_IT_IS)
    given[:, 9] = False  # the fixture never predicts this class
    np.testing.assert_array_equal(given, data["pred"])
