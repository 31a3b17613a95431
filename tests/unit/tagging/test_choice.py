import pytest
import torch
from colour_model import ColourModel
from colour_tagger import ColourTagger

from vlbench.core.contracts import ScoreUnit, Text
from vlbench.core.errors import Unsupported, VlbenchError
from vlbench.tagging.choice import Choice, choice_for, choose

TEXTS = (Text("red"), Text("black"))


def chosen(scores, **choice):
    unit = choice.pop("unit", ScoreUnit("probability"))
    rows = choose(torch.tensor(scores), Choice(unit, choice.get("thresholds"), choice.get("top_k")))
    return [[(each.position, round(each.score, 4)) for each in row] for row in rows]


def test_a_probability_is_the_sigmoid_and_counts_above_its_threshold_alone():
    scores = [[0.0, 2.0, -2.0], [1.0, -1.0, 3.0]]
    assert chosen(scores, thresholds=(0.5, 0.5, 0.5)) == [[(1, 0.8808)], [(2, 0.9526), (0, 0.7311)]]
    assert chosen(scores, thresholds=(0.4999, 0.9, 0.1)) == [
        [(0, 0.5), (2, 0.1192)],
        [(2, 0.9526), (0, 0.7311)],
    ]


def test_a_cosine_is_a_score_without_scale_and_bias():
    unit = ScoreUnit("cosine", 100.0, -10.0)
    assert chosen([[20.0, 15.0]], unit=unit, top_k=2) == [[(0, 0.3), (1, 0.25)]]
    assert chosen([[20.0, 15.0]], unit=unit, thresholds=(0.26, 0.26)) == [[(0, 0.3)]]


def test_the_best_come_first_by_score_though_probabilities_are_equal_and_ties_by_position():
    assert chosen([[30.0, 40.0, 30.0]], top_k=2) == [[(1, 1.0), (0, 1.0)]]
    assert chosen([[0.0, 0.0]], top_k=5) == [[(0, 0.5), (1, 0.5)]]
    assert chosen([[3.0, 2.0, 1.0]], top_k=1, thresholds=(1.0, 0.1, 0.1)) == [[(1, 0.8808)]]


def test_a_model_that_decides_does_unless_told_otherwise():
    tagger = ColourTagger()
    own = Choice(ScoreUnit("probability"), (0.6, 0.99), None)
    assert choice_for(tagger, TEXTS) == own
    assert choice_for(tagger, TEXTS, threshold="auto") == own
    assert choice_for(tagger, TEXTS, top_k=3) == Choice(own.unit, None, 3)
    assert choice_for(tagger, TEXTS, threshold=0.3, top_k=3) == Choice(own.unit, (0.3, 0.3), 3)


def test_a_model_without_thresholds_gives_the_best_five():
    model = ColourModel()
    assert choice_for(model, TEXTS) == Choice(model.info.unit, None, 5)
    assert choice_for(model, TEXTS, threshold=-0.5).thresholds == (-0.5, -0.5)
    with pytest.raises(Unsupported, match="colour has no thresholds of its own; give a cosine"):
        choice_for(model, TEXTS, threshold="auto")


@pytest.mark.parametrize("threshold", [-0.1, 1.1, 68])
def test_a_threshold_outside_the_unit_is_refused(threshold):
    with pytest.raises(VlbenchError, match="states a probability; give a number from 0 to 1"):
        choice_for(ColourTagger(), TEXTS, threshold=threshold)
