import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.errors import CardError
from vlbench.core.measurement import MetricOptions
from vlbench.metrics import top_tags
from vlbench.metrics.thresholds import PRECISION, macro
from vlbench.metrics.top_tags import edge_scores

ORACLES = {"precision": precision_score, "recall": recall_score, "f1": f1_score}
UNIT = ScoreUnit("cosine")


@pytest.mark.parametrize("averaging", ["macro", "micro"])
@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("k", [1, 3, 6])
def test_equals_scikit_learn_on_the_best_tags(averaging, name, k, problem_of, monkeypatch):
    monkeypatch.setattr(top_tags, "_SCORES_AT_ONCE", 50)  # several blocks of rows
    generator = np.random.default_rng(3)
    relevant = generator.random((40, 7)) < 0.3
    scores = (generator.standard_normal((40, 7)) + relevant).astype(np.float32)
    metric = getattr(top_tags, f"{averaging}_{name}_top")
    found = metric(Prediction(UNIT, {"scores": scores}), problem_of(relevant), MetricOptions(at=k))
    given = np.argsort(np.argsort(-scores, axis=1), axis=1) < k
    expected = ORACLES[name](relevant, given, average=averaging, zero_division=0)
    assert found.value == pytest.approx(expected, abs=1e-12)
    assert found.ci_low is not None


def test_ties_at_the_edge_are_all_left_out(problem_of):
    scores = np.array([[3, 2, 2, 1], [5, 5, 5, 5]], dtype=np.float32)
    relevant = np.ones((2, 4), dtype=bool)
    problem, prediction = problem_of(relevant), Prediction(UNIT, {"scores": scores})
    recalls = [top_tags.micro_recall_top(prediction, problem, MetricOptions(at=k)).value for k in (1, 2, 3)]
    assert recalls == pytest.approx([1 / 8, 1 / 8, 3 / 8])
    assert edge_scores(scores, 9).tolist() == [[-np.inf], [-np.inf]]


def test_a_constant_model_gives_no_tag(problem_of):
    prediction = Prediction(UNIT, {"scores": np.zeros((5, 4), dtype=np.float32)})
    found = top_tags.macro_precision_top(
        prediction, problem_of(np.eye(5, 4, dtype=bool)), MetricOptions(at=2)
    )
    assert found.value == 0


@pytest.mark.parametrize("k", [4, 9])
def test_as_many_as_there_are_tags_are_not_measurable(k, problem_of):
    prediction = Prediction(UNIT, {"scores": np.zeros((5, 4), dtype=np.float32)})
    problem = problem_of(np.eye(5, 4, dtype=bool))
    found = top_tags.micro_recall_top(prediction, problem, MetricOptions(at=k))
    assert (found.value, found.ci_low, found.n) == (None, None, 0)


def test_k_is_needed(problem_of):
    prediction = Prediction(UNIT, {"scores": np.zeros((2, 2), dtype=np.float32)})
    for at in (None, 0, 1.5):
        with pytest.raises(CardError, match="macro_f1_top needs a whole number"):
            top_tags.macro_f1_top(prediction, problem_of(np.ones((2, 2), dtype=bool)), MetricOptions(at=at))


def test_a_threshold_of_each_tag_is_that_of_its_column(problem_of):
    generator = np.random.default_rng(4)
    scores = generator.standard_normal((30, 4)).astype(np.float32)
    relevant = problem_of(generator.random((30, 4)) < 0.4).relevant
    cuts = np.array([-0.5, 0.0, 0.5, np.inf])
    whole = macro(scores, relevant, threshold=cuts, ratio=PRECISION)
    for tag, cut in enumerate(cuts):
        alone = macro(scores, relevant, threshold=float(cut), ratio=PRECISION)
        assert whole.values[tag] == alone.values[tag]
    assert whole.values[3] == 0
