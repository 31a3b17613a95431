import numpy as np
import pytest

from vlbench.core.contracts import Dataset, Prediction, ScoreUnit, Text
from vlbench.core.errors import DataError, NotFinite
from vlbench.core.measurement import MetricOptions
from vlbench.core.problem import Problem, by_words
from vlbench.metrics.chosen_thresholds import best_f1_threshold, best_f1_thresholds
from vlbench.metrics.columns import pairs_of
from vlbench.metrics.thresholds import F1, macro, macro_f1, micro, micro_f1


@pytest.fixture
def validation():
    generator = np.random.default_rng(11)
    relevant = generator.random((50, 6)) < 0.3
    scores = np.round(generator.standard_normal((50, 6)) + relevant, 1).astype(np.float32)  # with ties
    return scores, relevant


def test_no_other_threshold_has_a_better_f1(validation):
    scores, relevant = validation
    chosen = best_f1_thresholds(scores, pairs_of(relevant))
    truth = pairs_of(relevant)
    values = macro(scores, truth, threshold=chosen.tags, ratio=F1).values
    shared = micro(scores, truth, threshold=chosen.shared, ratio=F1).values[0]
    for cut in np.append(np.unique(scores), scores.min() - 1):
        assert (macro(scores, truth, threshold=float(cut), ratio=F1).values <= values + 1e-12).all()
        assert micro(scores, truth, threshold=float(cut), ratio=F1).values[0] <= shared + 1e-12


def test_halfway_below_the_lowest_given_score_and_the_highest_of_equals():
    truth = pairs_of(np.array([[True], [False], [False], [True]]))
    chosen = best_f1_thresholds(np.array([[5.0], [3.0], [2.0], [1.0]]), truth)
    # giving image 0 alone and giving all four both reach 2/3
    assert chosen.tags[0] == 4.0
    everything = best_f1_thresholds(np.array([[5.0], [3.0]]), pairs_of(np.array([[True], [True]])))
    assert everything.tags[0] == 2.5  # nothing lies below: half of 1 under the lowest


def test_a_tag_without_positives_takes_the_shared_threshold(validation):
    scores, relevant = validation
    relevant[:, 2] = False
    chosen = best_f1_thresholds(scores, pairs_of(relevant))
    assert chosen.tags[2] == chosen.shared
    alone = best_f1_thresholds(np.delete(scores, 2, axis=1), pairs_of(np.delete(relevant, 2, axis=1)))
    assert alone.shared == chosen.shared


def test_thresholds_move_with_the_scores(validation):
    scores, relevant = validation
    here = best_f1_thresholds(scores * 8, pairs_of(relevant))
    there = best_f1_thresholds(scores * 8 - 64, pairs_of(relevant))
    np.testing.assert_allclose(there.tags, here.tags - 64, atol=1e-4)


def test_between_neighbours_in_float32_the_lower_is_the_threshold():
    low = np.float32(1.0000001)  # halfway to the next number rounds up
    high = np.nextafter(low, np.float32(2))
    scores = np.array([[high], [low]], dtype=np.float32)
    truth = pairs_of(np.array([[True], [False]]))
    chosen = best_f1_thresholds(scores, truth)
    assert chosen.tags[0] == low
    assert macro(scores, truth, threshold=chosen.tags, ratio=F1).values[0] == 1.0


@pytest.mark.parametrize("unit", [ScoreUnit("cosine", 100.0, -3.0), ScoreUnit("probability")])
def test_in_units_they_give_the_same_tags(unit, validation):
    scores, relevant = validation
    truth = pairs_of(relevant)
    scores = scores * 6  # logits up to 20
    problem = Problem(Dataset("", "", range(50)), by_words(tuple(Text(str(j)) for j in range(6))), truth)
    found = best_f1_threshold(Prediction(unit, {"scores": scores}), problem, MetricOptions())
    chosen = np.array([part.value for part in found.parts])
    if unit.kind == "probability":
        assert ((chosen > 0) & (chosen < 1)).all()
    prediction = Prediction(unit, {"scores": scores, "thresholds": chosen})
    best = best_f1_thresholds(scores, truth)
    assert macro_f1(prediction, problem, MetricOptions()).value == pytest.approx(
        macro(scores, truth, threshold=best.tags, ratio=F1).values.mean(), abs=1e-12
    )
    shared = micro_f1(prediction, problem, MetricOptions(at=found.value)).value
    assert shared == micro(scores, truth, threshold=best.shared, ratio=F1).values[0]


def test_nothing_true_and_nan_are_refused(validation):
    scores, relevant = validation
    with pytest.raises(DataError, match="no image of the validation split has any of the tags"):
        best_f1_thresholds(scores, pairs_of(np.zeros_like(relevant)))
    scores[3, 1] = np.nan
    with pytest.raises(NotFinite, match="image 3 for text 1"):
        best_f1_thresholds(scores, pairs_of(relevant))
