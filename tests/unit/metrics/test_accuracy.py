import numpy as np
import pytest
from scipy import stats

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.errors import CardError, Unsupported
from vlbench.core.measurement import MetricOptions, Part
from vlbench.metrics.accuracy import acc1, acc5, mean_per_class_recall

UNIT = ScoreUnit("cosine")
OPTIONS = MetricOptions()


def ranked(ranks):
    return Prediction(UNIT, {"row_ranks": np.array(ranks)})


def labelled(problem_of, labels, number):
    return problem_of(np.eye(number, dtype=bool)[labels])


def test_single_label_fixture(parity, problem_of, ranks_of):
    data = parity("single_label")
    problem = labelled(problem_of, data["labels"], 7)
    prediction = ranked(ranks_of(data["logits"], problem.relevant.dense()))
    assert acc1(prediction, problem, OPTIONS).value == pytest.approx(float(data["acc1"]), abs=1e-6)
    assert acc1(prediction, problem, OPTIONS).value == pytest.approx(
        float(data["elevater_accuracy"]), abs=1e-6
    )
    assert acc5(prediction, problem, OPTIONS).value == pytest.approx(float(data["acc5"]), abs=1e-6)
    recall = mean_per_class_recall(prediction, problem, OPTIONS)
    assert recall.value == pytest.approx(float(data["mean_per_class_recall"]), abs=1e-6)
    assert (recall.n, recall.left_out) == (6, 1)


def test_accuracy_counts_what_it_leaves_out(problem_of):
    problem = problem_of(np.array([[1, 0, 0, 0, 0, 0]] * 3 + [[0] * 6], dtype=bool))
    prediction = ranked([1, 5, 2, 0])
    first, fifth = acc1(prediction, problem, OPTIONS), acc5(prediction, problem, OPTIONS)
    assert (first.value, first.n, first.left_out) == (1 / 3, 3, 1)
    assert fifth.value == 1.0
    exact = stats.binomtest(1, 3).proportion_ci(method="wilson")
    assert (first.ci_low, first.ci_high) == pytest.approx((exact.low, exact.high), abs=1e-12)
    assert first.ci_method == "Wilson"


@pytest.mark.parametrize("classes", [4, 5])
def test_acc5_that_any_model_has_is_not_measurable(classes, problem_of):
    value = acc5(ranked([1, classes]), labelled(problem_of, [0, 1], classes), OPTIONS)
    assert (value.value, value.ci_low, value.ci_method) == (None, None, "")


def test_no_image_has_a_class(problem_of):
    problem = problem_of(np.zeros((2, 3), dtype=bool))
    for metric in (acc1, mean_per_class_recall):
        measurement = metric(ranked([0, 0]), problem, OPTIONS)
        assert (measurement.value, measurement.ci_low, measurement.n) == (None, None, 0)


def test_mean_per_class_by_hand(problem_of):
    # class 0: 1 of 3 right, class 1: 1 of 1, class 2: no image
    measurement = mean_per_class_recall(ranked([1, 2, 3, 1]), labelled(problem_of, [0, 0, 0, 1], 3), OPTIONS)
    assert measurement.value == pytest.approx(2 / 3)
    assert (measurement.n, measurement.left_out) == (2, 1)
    assert measurement.parts == (Part("t0", 1 / 3, 3), Part("t1", 1.0, 1), Part("t2", None, 0))
    assert measurement.ci_method == "Wilson, by the variance within classes"


def test_classes_of_one_image_that_are_all_right_are_not_certain(problem_of):
    found = mean_per_class_recall(ranked([1] * 20), labelled(problem_of, range(20), 20), OPTIONS)
    exact = stats.binomtest(20, 20).proportion_ci(method="wilson")
    assert found.ci_low == pytest.approx(exact.low, abs=0.02)
    assert found.ci_high == 1.0


def test_the_interval_of_classes_of_one_image_is_that_of_their_accuracy(problem_of):
    found = mean_per_class_recall(ranked([1, 2] * 50), labelled(problem_of, range(100), 100), OPTIONS)
    exact = stats.binomtest(50, 100).proportion_ci(method="wilson")
    assert (found.ci_low, found.ci_high) == pytest.approx((exact.low, exact.high), abs=0.003)


def test_one_class_of_one_image_has_no_interval(problem_of):
    found = mean_per_class_recall(ranked([1]), labelled(problem_of, [0], 2), OPTIONS)
    assert (found.value, found.ci_low, found.ci_method) == (1.0, None, "")


def test_constant_scores_are_never_right(problem_of, ranks_of):
    problem = labelled(problem_of, [0, 1, 2, 0], 6)
    prediction = ranked(ranks_of(np.zeros((4, 6)), problem.relevant.dense()))
    for metric in (acc1, acc5, mean_per_class_recall):
        assert metric(prediction, problem, OPTIONS).value == 0.0


def test_an_image_of_two_classes_has_no_class_recall(problem_of):
    problem = problem_of(np.array([[True, False], [True, True]]))
    with pytest.raises(Unsupported, match="image 1 has 2 classes"):
        mean_per_class_recall(ranked([1, 1]), problem, OPTIONS)


@pytest.mark.parametrize("metric", [acc1, acc5, mean_per_class_recall])
def test_refuses_a_number_and_missing_ranks(metric, problem_of):
    problem = labelled(problem_of, [0], 2)
    with pytest.raises(CardError, match=f"write {metric.name}$"):
        metric(ranked([1]), problem, MetricOptions(at=3))
    with pytest.raises(Unsupported, match=f"{metric.name} reads row_ranks"):
        metric(Prediction(UNIT), problem, OPTIONS)
