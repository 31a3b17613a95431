"""Pairs that nobody knows the truth of are in no tag's ranking, counts or intervals."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.measurement import MetricOptions
from vlbench.core.metric import ASKED
from vlbench.core.problem import Asked
from vlbench.core.registry import METRICS
from vlbench.metrics.average_precision import delete_one, mean_average_precision
from vlbench.metrics.chosen_thresholds import best_f1_threshold, best_f1_thresholds
from vlbench.metrics.columns import pairs_of
from vlbench.metrics.eleven_points import elevater_11_point
from vlbench.metrics.ram_protocol import ram_average_precision, ram_precision_recall
from vlbench.metrics.thresholds import F1, PRECISION, RECALL, macro, micro

UNIT = ScoreUnit("cosine")
DECIDED = [f"{mean}_{ratio}" for mean in ("macro", "micro") for ratio in ("precision", "recall", "f1")]
RAM = [("ram_mean_average_precision", None), ("ram_precision", 0.5), ("ram_recall", 0.5)]
AVERAGED = [("mean_average_precision", None), ("eleven_point_mean_average_precision", None), *RAM]
THRESHOLDED = [("best_f1_threshold", None), *((name, 0.5) for name in DECIDED)]


@pytest.fixture(params=[None, 2], ids=["distinct", "tied"])
def case(request):
    """Scores with NaN where a pair is unknown, the truth and what is known, [80, 7]; tag 5 is all unknown."""
    generator = np.random.default_rng(3)
    relevant = generator.random((80, 7)) < [0.4, 0.3, 0.2, 0.1, 0.02, 0.3, 0.0]
    scores = generator.standard_normal((80, 7)) + relevant
    if request.param is not None:
        scores = np.round(scores * request.param)
    known = relevant | (generator.random((80, 7)) < 0.6)
    known[:, 5] = relevant[:, 5] = False
    known[[3, 77]] = relevant[[3, 77]] = False  # of two images nothing is known
    return np.where(known, scores, np.nan).astype(np.float32), relevant, known


@pytest.fixture
def asked_problem(problem_of):
    def build(relevant, known):
        return replace(problem_of(relevant), asked=Asked.of("only", pairs_of(known)))

    return build


def measure(name, scores, problem, at=None):
    return METRICS.get(name)(Prediction(UNIT, {"scores": scores}), problem, MetricOptions(at=at))


def by_tag(scores, relevant, known, value):
    """A value of each tag that has positives, on what is known of it alone."""
    columns = ((scores[known[:, j], j], relevant[known[:, j], j]) for j in range(scores.shape[1]))
    return [value(right, own) if right.any() else None for own, right in columns]


def test_average_precision_is_scikit_learns_on_what_is_known_of_each_tag(case, asked_problem):
    scores, relevant, known = case
    found = measure("mean_average_precision", scores, asked_problem(relevant, known))
    expected = by_tag(scores, relevant, known, average_precision_score)
    assert [part.value for part in found.parts] == pytest.approx(expected)
    assert expected[5] is expected[6] is None
    assert (found.value, found.left_out) == (
        pytest.approx(np.mean([each for each in expected if each is not None])),
        2,
    )
    assert found.ci_low < found.value < found.ci_high


@pytest.mark.slow
def test_the_jackknife_leaves_out_an_image_with_what_is_known_of_it(case, asked_problem):
    scores, relevant, known = case
    replicates = delete_one(scores, pairs_of(relevant), Asked("only", pairs_of(known))).replicates
    for image in range(80):
        rest = np.arange(80) != image
        values = by_tag(scores[rest], relevant[rest], known[rest], average_precision_score)
        assert replicates[image] == pytest.approx(np.mean([each for each in values if each is not None]))


def test_images_of_which_nothing_is_known_change_no_value(case, asked_problem):
    scores, relevant, known = case
    seen = known.any(axis=1)
    assert (~seen).sum() == 2
    whole = asked_problem(relevant, known)
    part = asked_problem(relevant[seen], known[seen])
    for name, at in (*AVERAGED, *THRESHOLDED):
        expected = measure(name, scores[seen], part, at)
        found = measure(name, scores, whole, at)
        assert (found.value, found.n, found.left_out) == (
            pytest.approx(expected.value, abs=1e-12),
            expected.n,
            expected.left_out,
        )
        if found.ci_low is not None and name in DECIDED:
            assert (found.ci_low, found.ci_high) == pytest.approx((expected.ci_low, expected.ci_high))


@pytest.mark.parametrize(("ratio", "index"), [(PRECISION, 0), (RECALL, 1), (F1, 2)], ids=lambda it: str(it))
def test_decisions_are_counted_on_what_is_known(case, ratio, index):
    scores, relevant, known = case
    asked = Asked("only", pairs_of(known))

    def of_tag(right, own):
        return precision_recall_fscore_support(right, own > 0.5, average="binary", zero_division=0)[index]

    expected = by_tag(scores, relevant, known, of_tag)
    found = macro(scores, pairs_of(relevant), threshold=0.5, ratio=ratio, asked=asked)
    np.testing.assert_allclose(found.values, np.array(expected, dtype=np.float64), atol=1e-12)
    counted = known & relevant.any(axis=0)
    both = micro(scores, pairs_of(relevant), threshold=0.5, ratio=ratio, asked=asked)
    assert both.values[0] == pytest.approx(of_tag(relevant[counted], scores[counted]))
    for each in (found, both):
        assert each.influence.sum() == pytest.approx(0)
        assert not each.influence[[3, 77]].any()


def test_a_threshold_for_each_image_is_read_for_the_images_that_are_asked(case):
    scores, relevant, known = case
    cuts = np.linspace(-1, 1, 80, dtype=np.float32)[:, None]
    asked = Asked("only", pairs_of(known))
    found = macro(scores, pairs_of(relevant), threshold=cuts, ratio=PRECISION, asked=asked).values
    for j in range(5):
        given = known[:, j] & (np.nan_to_num(scores[:, j], nan=-9) > cuts[:, 0])
        assert found[j] == pytest.approx(relevant[given, j].mean())


def test_thresholds_are_learned_of_what_is_known(case, asked_problem):
    scores, relevant, known = case
    chosen = best_f1_thresholds(scores, pairs_of(relevant), Asked("only", pairs_of(known)))
    for j in range(5):
        alone = best_f1_thresholds(scores[known[:, j], j : j + 1], pairs_of(relevant[known[:, j], j : j + 1]))
        assert chosen.tags[j] == alone.tags[0]
    counted = known & relevant.any(axis=0)
    together = best_f1_thresholds(scores[counted][:, None], pairs_of(relevant[counted][:, None]))
    assert chosen.shared == together.shared
    assert (chosen.tags[5:] == chosen.shared).all()
    found = measure(best_f1_threshold.name, scores, asked_problem(relevant, known))
    assert [part.value for part in found.parts] == chosen.tags.tolist()


def test_published_definitions_on_what_is_known(case, asked_problem):
    scores, relevant, known = case
    problem = asked_problem(relevant, known)

    def of_tag(value):
        columns = ((scores[known[:, j], j], relevant[known[:, j], j]) for j in range(7))
        return [value(own, right) if own.size else None for own, right in columns]

    expected = of_tag(ram_average_precision)
    found = measure("ram_mean_average_precision", scores, problem)
    assert [part.value for part in found.parts] == expected
    assert (found.value, found.n, found.left_out) == (
        pytest.approx(np.mean([each for each in expected if each is not None])),
        6,
        1,
    )
    precision = of_tag(lambda own, right: ram_precision_recall(own >= 0.5, right)[0])
    assert [part.value for part in measure("ram_precision", scores, problem, 0.5).parts] == precision
    eleven = by_tag(scores, relevant, known, lambda right, own: elevater_11_point(own, right))
    found = measure("eleven_point_mean_average_precision", scores, problem)
    assert [part.value for part in found.parts] == eleven


@pytest.mark.parametrize(("scores", "challenge"), [((0.9, 0.8, 0.1, 0.2), 1.0), ((0.5, 0.9, 0.1, 0.2), 1.0)])
def test_the_challenges_rule_by_hand(problem_of, scores, challenge):
    """A cat for sure, a difficult one, another, none: the difficult ones count neither way."""
    column = np.array(scores, dtype=np.float32)[:, None]
    sure = np.array([[True], [False], [False], [False]])
    known = np.array([[True], [False], [False], [True]])
    problem = replace(problem_of(sure), asked=Asked.of("only", pairs_of(known)))
    prediction = Prediction(UNIT, {"scores": np.where(known, column, np.nan)})
    assert mean_average_precision(prediction, problem, MetricOptions()).value == challenge


def test_a_tag_of_which_nothing_is_known_is_empty(problem_of):
    nothing = np.zeros((3, 1), dtype=bool)
    problem = replace(problem_of(nothing), asked=Asked.of("only", pairs_of(nothing)))
    scores = np.full((3, 1), np.nan, dtype=np.float32)
    for name, at in (*AVERAGED, *((name, 0.5) for name in DECIDED)):
        found = measure(name, scores, problem, at)
        assert (found.value, found.n, found.left_out) == (None, 0, 1)


def test_asking_all_pairs_one_by_one_changes_no_bit(case, problem_of):
    scores, relevant, _ = case
    scores = np.nan_to_num(scores)
    problem = problem_of(relevant)
    each = replace(problem, asked=Asked("only", pairs_of(np.ones_like(relevant))))
    for name, at in (*AVERAGED, *THRESHOLDED):
        plain, found = measure(name, scores, problem, at), measure(name, scores, each, at)
        assert replace(found, influence=None) == replace(plain, influence=None)
        assert (found.influence is None) == (plain.influence is None)
        assert found.influence is None or (found.influence == plain.influence).all()


def test_metrics_of_the_score_matrix_heed_what_is_asked_or_say_that_they_do_not():
    deaf = {f"{mean}_{ratio}_top" for mean in ("macro", "micro") for ratio in ("precision", "recall", "f1")}
    own = (METRICS.get(name) for name in METRICS if METRICS.distribution(name).startswith("vlbench"))
    matrix = [metric for metric in own if "scores" in metric.reads]
    assert {metric.name for metric in matrix if ASKED not in metric.reads} == deaf
    assert {name for name, _ in (*AVERAGED, *THRESHOLDED)} == {each.name for each in matrix} - deaf
