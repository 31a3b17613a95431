import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.errors import CardError, Unsupported
from vlbench.core.measurement import MetricOptions
from vlbench.metrics.accuracy import worst_class_accuracy
from vlbench.metrics.calibration import brier, calibration_error, ece, nll

OPTIONS = MetricOptions()
METRICS = (ece, brier, nll, worst_class_accuracy)


@pytest.fixture
def scored(problem_of, ranks_of):
    """A problem and its prediction as the engine makes it of scores [n, m] and labels [n]."""

    def build(scores, labels, kind="cosine"):
        scores = np.asarray(scores, dtype=np.float32)
        relevant = np.eye(scores.shape[1], dtype=bool)[labels]
        best = np.argsort(-scores, axis=1, kind="stable")[:, :5]
        wide = scores.astype(np.float64) - scores.max(axis=1, keepdims=True)
        prediction = Prediction(
            ScoreUnit(kind),
            {
                "row_ranks": ranks_of(scores, relevant),
                "best": best,
                "best_scores": np.take_along_axis(scores, best, axis=1),
                "right_scores": scores[relevant],
                "log_sums": np.log(np.exp(wide).sum(1)).astype(np.float32),
                "log_square_sums": np.log(np.exp(2 * wide).sum(1)).astype(np.float32),
            },
        )
        return prediction, problem_of(relevant)

    return build


@pytest.fixture
def random_scores():
    generator = np.random.default_rng(0)
    labels = generator.integers(7, size=500)  # of 9 classes two have no image
    return 3 * generator.normal(size=(500, 9)) + 2 * np.eye(9)[labels], labels


def softmax(scores):
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def by_hand(scored):
    """Two classes with probabilities (0.9, 0.1), (0.6, 0.4), (0.2, 0.8), (0.7, 0.3); the second is wrong."""
    return scored(np.log([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]]), [0, 1, 1, 0])


def test_values_by_hand(scored):
    prediction, problem = by_hand(scored)
    # two bins: all four lie in the upper one: (0.9 + 0.6 + 0.8 + 0.7 - 3) / 4
    assert ece(prediction, problem, MetricOptions(at=2)).value == pytest.approx(0, abs=1e-6)
    # four bins: 0.6 (wrong) and 0.7 lie in the third, 0.8 and 0.9 in the last
    expected = ((0.6 + 0.7 - 1) + (2 - 0.8 - 0.9)) / 4
    assert ece(prediction, problem, MetricOptions(at=4)).value == pytest.approx(expected, abs=1e-6)
    assert brier(prediction, problem, OPTIONS).value == pytest.approx(
        2 * (0.1**2 + 0.6**2 + 0.2**2 + 0.3**2) / 4, abs=1e-6
    )
    assert nll(prediction, problem, OPTIONS).value == pytest.approx(
        -np.log([0.9, 0.4, 0.8, 0.7]).mean(), abs=1e-6
    )
    worst = worst_class_accuracy(prediction, problem, OPTIONS)
    assert (worst.value, worst.n, worst.parts[0].name, worst.parts[0].n) == (0.5, 2, "t1", 2)


def test_values_equal_other_implementations(scored, random_scores):
    scores, labels = random_scores
    prediction, problem = scored(scores, labels)
    probabilities = softmax(scores.astype(np.float32).astype(float))
    assert nll(prediction, problem, OPTIONS).value == pytest.approx(
        log_loss(labels, probabilities, labels=range(9)), abs=1e-6
    )
    squared = ((probabilities - np.eye(9)[labels]) ** 2).sum(1).mean()
    assert brier(prediction, problem, OPTIONS).value == pytest.approx(squared, abs=1e-6)
    confidence, hits = probabilities.max(1), probabilities.argmax(1) == labels
    true, predicted = calibration_curve(hits, confidence, n_bins=15)
    sizes = np.histogram(confidence, bins=15, range=(0, 1))[0]
    expected = np.sum(sizes[sizes > 0] * np.abs(true - predicted)) / 500
    assert ece(prediction, problem, OPTIONS).value == pytest.approx(expected, abs=1e-6)


def test_a_shift_of_all_scores_changes_nothing(scored, random_scores):
    scores, labels = random_scores
    for metric in METRICS:
        found = [metric(*scored(each, labels), OPTIONS).value for each in (scores, scores + 5)]
        assert found[0] == pytest.approx(found[1], abs=1e-5)


@pytest.mark.slow
def test_intervals_are_the_spread_of_resamples(scored, random_scores):
    scores, labels = random_scores
    generator = np.random.default_rng(1)
    resamples = [generator.integers(500, size=500) for _ in range(300)]
    for metric, tolerance in ((ece, 0.25), (brier, 0.15), (nll, 0.15)):
        found = metric(*scored(scores, labels), OPTIONS)
        values = [metric(*scored(scores[i], labels[i]), OPTIONS).value for i in resamples]
        assert found.ci_high - found.value == pytest.approx(1.96 * np.std(values), rel=tolerance)
        assert found.ci_low <= found.value <= found.ci_high


def test_a_constant_is_wrong_everywhere_and_as_unsure_as_chance(scored):
    prediction, problem = scored(np.zeros((4, 4)), [0, 1, 2, 3])
    assert ece(prediction, problem, OPTIONS).value == pytest.approx(0.25)
    assert nll(prediction, problem, OPTIONS).value == pytest.approx(np.log(4))
    assert worst_class_accuracy(prediction, problem, OPTIONS).value == 0


def test_a_class_without_images_is_no_worst_class(scored):
    found = worst_class_accuracy(*scored(np.eye(3)[[0, 2]], [0, 2]), OPTIONS)
    assert (found.value, found.n, found.left_out) == (1, 2, 1)
    assert found.ci_low < 1 == found.ci_high


def test_scores_of_independent_probabilities_have_no_softmax(scored):
    prediction, problem = scored(np.eye(3), [0, 1, 2], kind="probability")
    for metric in METRICS[:3]:
        found = metric(prediction, problem, OPTIONS)
        assert (found.value, found.n, found.left_out) == (None, 0, 3)
    assert worst_class_accuracy(prediction, problem, OPTIONS).value == 1


def test_what_cannot_be_measured_is_refused(scored, problem_of):
    prediction, problem = by_hand(scored)
    with pytest.raises(CardError, match="ece needs a whole number"):
        ece(prediction, problem, MetricOptions(at=0.5))
    with pytest.raises(CardError, match="brier takes no number"):
        brier(prediction, problem, MetricOptions(at=5))
    bare = Prediction(
        prediction.unit,
        {
            "row_ranks": prediction["row_ranks"],
            "best": prediction["best"],
            "best_scores": prediction["best_scores"],
        },
    )
    with pytest.raises(Unsupported, match="nll reads log_square_sums, log_sums, right_scores"):
        nll(bare, problem, OPTIONS)
    with pytest.raises(Unsupported, match="ece needs one"):
        ece(prediction, problem_of(np.ones((4, 2), dtype=bool)), OPTIONS)


@pytest.mark.slow
def test_the_interval_of_a_calibrated_models_error_reaches_down_to_0(scored):
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(100):
        scores = 1.5 * generator.normal(size=(300, 8))
        labels = np.argmax(scores + generator.gumbel(size=scores.shape), axis=1)
        found = ece(*scored(scores, labels), OPTIONS)
        assert found.value > 0.01  # what chance makes of 0
        held += found.ci_low == 0
    assert held >= 95


def test_a_calibration_errors_bias_by_hand():
    # two bins of two images: sqrt(2 / pi) of the deviations of their sums, over four images
    *_, bias = calibration_error(np.array([0.9, 0.8, 0.5, 0.4]), np.array([True, True, False, False]), bins=2)
    expected = np.sqrt(2 / np.pi) * (np.sqrt(0.09 + 0.16) + np.sqrt(0.25 + 0.24)) / 4
    assert bias == pytest.approx(expected)


def test_losses_that_are_all_equal_say_nothing_of_their_spread(scored):
    found = nll(*scored(np.zeros((3, 4)), [0, 1, 2]), OPTIONS)
    assert (found.value, found.ci_low, found.ci_method) == (pytest.approx(np.log(4)), None, "")


def test_a_constant_models_error_is_not_certain(scored):
    found = ece(*scored(np.zeros((40, 4)), np.arange(40) % 4), OPTIONS)
    assert found.value == pytest.approx(0.25)
    assert found.ci_low < found.value < found.ci_high
