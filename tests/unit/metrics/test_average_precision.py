import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.errors import CardError, DataError, NotFinite
from vlbench.core.measurement import MetricOptions, Part
from vlbench.metrics.average_precision import average_precision, delete_one, mean_average_precision
from vlbench.metrics.columns import pairs_of
from vlbench.metrics.intervals import Spread, score_interval

UNIT = ScoreUnit("cosine")


def random_case(seed, n, m, levels):
    """Scores of a few tied levels, or all distinct (levels None), and a truth with rare and common tags."""
    generator = np.random.default_rng(seed)
    relevant = generator.random((n, m)) < np.linspace(0.02, 0.6, m)
    scores = generator.standard_normal((n, m)) + relevant
    if levels is not None:
        scores = np.round(scores * levels / 4)
    return scores.astype(np.float32), relevant


def measure(problem_of, scores, relevant, at=None):
    return mean_average_precision(
        Prediction(UNIT, {"scores": scores}), problem_of(relevant), MetricOptions(at=at)
    )


@pytest.mark.parametrize("levels", [None, 4, 1])
def test_equals_scikit_learn(levels):
    scores, relevant = random_case(1, 150, 35, levels)  # more columns than two blocks hold
    found = relevant.any(axis=0)
    expected = [
        average_precision_score(relevant[:, j], scores[:, j]) if found[j] else np.nan for j in range(35)
    ]
    np.testing.assert_allclose(average_precision(scores, relevant), expected, atol=1e-15, rtol=0)
    np.testing.assert_allclose(delete_one(scores, pairs_of(relevant)).values, expected, atol=1e-15, rtol=0)


def test_fixture_classes_without_ties(parity):
    data = parity("ram_map_pr")
    values = average_precision(data["scores"], data["targets"])
    untied = [j for j in range(12) if j not in (4, 5, 7)]  # 4 and 5 have ties, 7 no positives
    np.testing.assert_allclose(values[untied], data["AP"][untied], atol=1e-6, rtol=0)
    assert np.isnan(values[7])
    assert values[5] == pytest.approx(data["targets"][:, 5].mean())  # all tied: the prevalence
    assert data["AP_tie_worst"][4] < values[4] < data["AP_tie_best"][4]


def test_by_hand_and_left_out(problem_of):
    scores = np.array([[4, 1, 0], [3, 1, 1], [2, 1, 2], [1, 1, 3]], dtype=np.float32)
    relevant = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=bool)
    found = measure(problem_of, scores, relevant)
    assert found.parts == (Part("t0", (1 + 2 / 3) / 2, 2), Part("t1", 0.25, 1), Part("t2", None, 0))
    assert found.value == pytest.approx((5 / 6 + 0.25) / 2)
    assert (found.n, found.left_out, found.ci_method) == (2, 1, "Wilson, by the jackknife over images")


def test_order_and_shift_change_nothing():
    scores, relevant = random_case(2, 80, 5, 8)
    values = average_precision(scores, relevant)
    np.testing.assert_array_equal(average_precision(scores - 1000, relevant), values)
    np.testing.assert_array_equal(average_precision(scores[::-1], relevant[::-1]), values)


def test_equal_scores_give_the_prevalence():
    relevant = np.arange(50) % 7 == 0
    values = average_precision(np.full((50, 1), -3.0), relevant[:, None])
    assert values[0] == pytest.approx(relevant.mean(), abs=1e-15)


@pytest.mark.parametrize("levels", [None, 4, 1])
def test_delete_one_equals_brute_force(levels):
    scores, relevant = random_case(3, 60, 12, levels)
    relevant[:, 0] = False
    relevant[:, 1:3] = False
    relevant[[7, 7, 30], [1, 2, 0]] = True  # tags with one positive, two of them on one image
    scores[7, 1] = scores[:, 1].max() + 1  # alone at the top
    deleted = delete_one(scores, pairs_of(relevant))
    expected = [
        np.nanmean(average_precision(np.delete(scores, i, axis=0), np.delete(relevant, i, axis=0)))
        for i in range(60)
    ]
    np.testing.assert_allclose(deleted.replicates, expected, atol=1e-12, rtol=0)


def test_interval_is_the_jackknife_of_the_replicates(problem_of):
    scores, relevant = random_case(4, 50, 6, 6)
    found = measure(problem_of, scores, relevant)
    replicates = delete_one(scores, pairs_of(relevant)).replicates
    error = np.sqrt(49 / 50 * np.sum((replicates - replicates.mean()) ** 2))
    counts = relevant.sum(axis=0)
    images = min(50, np.count_nonzero(counts) ** 2 / np.sum(1 / counts[counts > 0]))
    expected = score_interval(found.value, Spread(np.array([error]), images, 49), "")
    assert (found.ci_low, found.ci_high) == pytest.approx((expected["ci_low"], expected["ci_high"]))


def test_tags_of_one_positive_that_all_rank_first_are_not_certain(problem_of):
    relevant = np.eye(12, dtype=bool)
    found = measure(problem_of, relevant.astype(np.float32), relevant)
    assert found.value == 1
    assert 0.6 < found.ci_low < 0.8
    assert found.ci_high == 1


def test_no_interval_where_an_image_holds_the_only_positive(problem_of):
    scores = np.array([[1.0], [2.0], [3.0]], dtype=np.float32)
    found = measure(problem_of, scores, np.array([[False], [True], [False]]))
    assert (found.value, found.ci_low, found.ci_high, found.ci_method) == (0.5, None, None, "")


def test_no_positive_at_all(problem_of):
    found = measure(problem_of, np.zeros((3, 2), np.float32), np.zeros((3, 2), dtype=bool))
    assert (found.value, found.n, found.left_out) == (None, 0, 2)
    assert [part.value for part in found.parts] == [None, None]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_are_an_error(wrong, problem_of):
    scores = np.zeros((4, 20), dtype=np.float32)
    scores[2, 18] = wrong  # in a column without positives, too
    relevant = np.zeros((4, 20), dtype=bool)
    relevant[0, 0] = True
    with pytest.raises(NotFinite, match="image 2 for text 18"):
        measure(problem_of, scores, relevant)


def test_refuses_a_number_and_other_shapes(problem_of):
    scores = np.zeros((2, 2), dtype=np.float32)
    with pytest.raises(CardError, match="mean_average_precision takes no number"):
        measure(problem_of, scores, np.eye(2, dtype=bool), at=5)
    with pytest.raises(DataError, match=r"scores \(2, 2\) and truth \(2, 3\)"):
        measure(problem_of, scores, np.ones((2, 3), dtype=bool))
