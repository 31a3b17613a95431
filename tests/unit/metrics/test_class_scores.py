from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.errors import Unsupported
from vlbench.core.measurement import MetricOptions
from vlbench.metrics.class_scores import macro_f1_of_classes, mean_acc1_acc5, roc_auc

OPTIONS = MetricOptions()


@pytest.fixture
def scored(problem_of, ranks_of):
    """A problem and its prediction as the engine makes it: ranks, the five best and their scores."""

    def build(scores, labels):
        scores = np.asarray(scores, dtype=np.float32)
        relevant = np.eye(scores.shape[1], dtype=bool)[labels]
        best = np.argsort(-scores, axis=1, kind="stable")[:, :5]
        prediction = Prediction(
            ScoreUnit("cosine"),
            {
                "row_ranks": ranks_of(scores, relevant),
                "best": best,
                "best_scores": np.take_along_axis(scores, best, axis=1),
            },
        )
        return prediction, problem_of(relevant)

    return build


def test_macro_f1_equals_scikit_learn_over_the_classes_that_occur(scored):
    generator = np.random.default_rng(0)
    labels = generator.integers(8, size=300)  # of 12 classes four never occur but are predicted
    scores = generator.normal(size=(300, 12)) + 1.2 * np.eye(12)[labels]
    found = macro_f1_of_classes(*scored(scores, labels), OPTIONS)
    expected = f1_score(labels, scores.argmax(1), average="macro", labels=np.unique(labels))
    assert found.value == pytest.approx(expected, abs=1e-12)
    assert (found.n, found.left_out) == (8, 4)
    each = f1_score(labels, scores.argmax(1), average=None, labels=range(8))
    assert [part.value for part in found.parts[:8]] == pytest.approx(list(each))
    assert [part.value for part in found.parts[8:]] == [None] * 4


@pytest.mark.slow
def test_the_interval_of_macro_f1_is_the_spread_of_resamples(scored):
    generator = np.random.default_rng(1)
    labels = generator.integers(4, size=400)
    scores = generator.normal(size=(400, 6)) + np.eye(6)[labels]
    found = macro_f1_of_classes(*scored(scores, labels), OPTIONS)
    predicted = scores.argmax(1)
    resamples = (generator.integers(400, size=400) for _ in range(400))
    values = [f1_score(labels[i], predicted[i], average="macro", labels=range(4)) for i in resamples]
    assert found.ci_high - found.value == pytest.approx(1.96 * np.std(values), rel=0.15)


def test_of_classes_that_tie_for_the_best_the_first_wrong_one_is_charged(scored):
    # image 0 of class 0: 1 and 2 tie above it; image 1 of class 1: ties with 2; image 2 is right
    scores = np.array([[0, 3, 3], [0, 2, 2], [0, 0, 1]])
    prediction, problem = scored(scores, [0, 1, 2])
    found = macro_f1_of_classes(prediction, problem, OPTIONS)
    # hits 0 0 1, true 1 1 1, guessed 0 1 2: 2 x 1 / (1 + 2)
    assert [part.value for part in found.parts] == [0, 0, pytest.approx(2 / 3)]
    best = prediction["best"].copy()
    best[:2, :2] = best[:2, 1::-1]  # another device's order of equal scores
    turned = replace(prediction, arrays={**prediction.arrays, "best": best})
    assert macro_f1_of_classes(turned, problem, OPTIONS) == found


def test_where_more_classes_tie_than_are_kept_none_is_charged(scored):
    scores = np.zeros((2, 7))
    scores[1, 6] = 1  # image 1 is right
    prediction, problem = scored(scores, [0, 6])
    found = macro_f1_of_classes(prediction, problem, OPTIONS)
    assert found.value == 0.5


def test_a_constant_never_wins_macro_f1(scored):
    assert macro_f1_of_classes(*scored(np.zeros((6, 3)), [0, 0, 1, 1, 2, 2]), OPTIONS).value == 0


@pytest.mark.parametrize("levels", [None, 4])
def test_roc_auc_equals_scikit_learn_with_and_without_ties(scored, levels):
    generator = np.random.default_rng(2)
    labels = generator.integers(2, size=90)
    scores = generator.normal(size=(90, 2)) + 0.5 * np.eye(2)[labels]
    scores = np.round(scores * levels) / levels if levels else scores
    found = roc_auc(*scored(scores, labels), OPTIONS)
    margin = scores[:, 1].astype(np.float32).astype(float) - scores[:, 0].astype(np.float32)
    assert found.value == pytest.approx(roc_auc_score(labels, margin), abs=1e-12)
    deleted = [roc_auc_score(np.delete(labels, i), np.delete(margin, i)) for i in range(90)]
    error = np.sqrt(89 / 90 * np.sum((deleted - np.mean(deleted)) ** 2))
    assert found.influence.std(ddof=1) / 90**0.5 == pytest.approx(error, rel=0.02)
    assert (found.ci_high - found.ci_low) / 2 == pytest.approx(1.987 * error, rel=0.06)


def test_roc_auc_of_what_it_cannot_measure(scored):
    assert roc_auc(*scored(np.zeros((3, 2)), [0, 1, 1]), OPTIONS).value == 0.5
    assert roc_auc(*scored(np.eye(2)[[1, 1]], [1, 1]), OPTIONS).value is None
    with pytest.raises(Unsupported, match="needs two classes"):
        roc_auc(*scored(np.zeros((3, 3)), [0, 1, 2]), OPTIONS)


def test_mean_of_top1_and_top5_by_hand(scored):
    scores = np.tile(np.arange(6, 0, -1.0), (4, 1))
    prediction, problem = scored(scores, [0, 2, 4, 5])  # ranks 1, 3, 5, 6
    found = mean_acc1_acc5(prediction, problem, OPTIONS)
    assert found.value == (1 / 4 + 3 / 4) / 2
    assert found.ci_low < found.value < found.ci_high
    for classes in (4, 5):
        assert mean_acc1_acc5(*scored(np.zeros((2, classes)), [0, 1]), OPTIONS).value is None


def test_several_classes_an_image_are_refused(scored, problem_of):
    prediction, _ = scored(np.zeros((1, 2)), [0])
    with pytest.raises(Unsupported, match="macro_f1_of_classes needs one"):
        macro_f1_of_classes(prediction, problem_of(np.ones((1, 2), dtype=bool)), OPTIONS)
