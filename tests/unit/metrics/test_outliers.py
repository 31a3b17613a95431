import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.errors import Unsupported
from vlbench.metrics.outliers import auroc, confidence


@pytest.mark.parametrize("levels", [None, 3])
def test_the_area_equals_scikit_learn_with_and_without_ties(levels):
    generator = np.random.default_rng(0)
    inside, outside = generator.normal(0.7, size=80), generator.normal(size=50)
    if levels:
        inside, outside = (np.round(each * levels) / levels for each in (inside, outside))
    found = auroc(inside, outside)
    labels = np.repeat([1, 0], [80, 50])
    assert found.value == pytest.approx(roc_auc_score(labels, np.concatenate([inside, outside])), abs=1e-12)
    assert found.n == 130


def test_the_interval_is_the_spread_of_resamples():
    generator = np.random.default_rng(1)
    inside, outside = generator.normal(1.0, size=200), generator.normal(size=150)
    found = auroc(inside, outside)
    values = [auroc(generator.choice(inside, 200), generator.choice(outside, 150)).value for _ in range(400)]
    assert found.ci_high - found.value == pytest.approx(1.96 * np.std(values), rel=0.15)


def test_sets_that_cannot_be_told_apart_or_are_empty():
    assert auroc(np.ones(3), np.ones(4)).value == 0.5
    assert auroc(np.ones(0), np.ones(4)).value is None
    alone = auroc(np.ones(1), np.zeros(4))
    assert (alone.value, alone.ci_low) == (1, None)


def test_confidence_is_the_highest_log_probability():
    scores = np.array([[2.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    prediction = Prediction(
        ScoreUnit("cosine"),
        {
            "best": np.array([[0], [0]]),
            "best_scores": scores[:, :1].astype(np.float32),
            "log_sums": np.log(np.exp(scores - scores.max(1, keepdims=True)).sum(1)).astype(np.float32),
        },
    )
    expected = np.exp(2) / np.exp([2, 1, 0]).sum()
    assert np.exp(confidence(prediction)) == pytest.approx([expected, 1 / 3], abs=1e-6)


def test_a_tagger_has_no_such_confidence():
    ones = np.ones((1, 1), dtype=np.float32)
    prediction = Prediction(
        ScoreUnit("probability"),
        {
            "best": np.array([[0]]),
            "best_scores": ones,
            "log_sums": ones[0],
        },
    )
    with pytest.raises(Unsupported, match="choose another model"):
        confidence(prediction)
