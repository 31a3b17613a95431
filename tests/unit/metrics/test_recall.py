import numpy as np
import pytest
from scipy import stats

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.errors import CardError, Unsupported
from vlbench.core.measurement import MetricOptions
from vlbench.metrics.recall import (
    image_retrieval_median_rank,
    image_retrieval_recall,
    text_retrieval_median_rank,
    text_retrieval_recall,
)

UNIT = ScoreUnit("cosine")
BY_CAPTION = [image_retrieval_recall, image_retrieval_median_rank]
BY_IMAGE = [text_retrieval_recall, text_retrieval_median_rank]


def options_of(metric, k=1, seed=0):
    return MetricOptions(at=k if metric.name.endswith("recall") else None, seed=seed)


def test_retrieval_fixture(parity, problem_of, ranks_of):
    data = parity("retrieval")
    images, texts = (
        data[side] / np.linalg.norm(data[side], axis=1, keepdims=True) for side in ("image_emb", "text_emb")
    )
    relevant = data["text_image_index"] == np.arange(12)[:, None]
    scores = images @ texts.T
    prediction = Prediction(
        UNIT,
        {
            "row_ranks": ranks_of(scores, relevant),
            "column_ranks": ranks_of(scores.T, relevant.T),
        },
    )
    problem = problem_of(relevant)
    for metric in (image_retrieval_recall, text_retrieval_recall):
        values = [metric(prediction, problem, MetricOptions(at=int(k))).value for k in data["k"]]
        np.testing.assert_allclose(values, data[metric.name], atol=1e-6, rtol=0)


def test_by_hand_with_nothing_right_left_out(problem_of):
    # captions: image 0 has two, image 1 one, image 2 none; the fourth caption has no image
    relevant = np.array([[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]], dtype=bool)
    problem = problem_of(relevant)
    prediction = Prediction(UNIT, {"row_ranks": np.array([3, 1, 0]), "column_ranks": np.array([1, 3, 2, 0])})
    found = image_retrieval_recall(prediction, problem, MetricOptions(at=2))
    assert (found.value, found.n, found.left_out) == (2 / 3, 3, 1)
    found = text_retrieval_recall(prediction, problem, MetricOptions(at=2))
    assert (found.value, found.n, found.left_out) == (1 / 2, 2, 1)
    exact = stats.binomtest(1, 2).proportion_ci(method="wilson")
    assert (found.ci_low, found.ci_high) == pytest.approx((exact.low, exact.high), abs=1e-12)
    found = image_retrieval_median_rank(prediction, problem, MetricOptions())
    assert (found.value, found.n, found.left_out) == (2.0, 3, 1)
    found = text_retrieval_median_rank(prediction, problem, MetricOptions())
    assert (found.value, found.n, found.left_out) == (2.0, 2, 1)


def test_k_above_the_candidates_is_not_measurable(problem_of):
    problem = problem_of(np.array([[1, 1, 1]], dtype=bool))  # one image, three captions
    prediction = Prediction(UNIT, {"row_ranks": np.array([1]), "column_ranks": np.array([1, 1, 1])})
    for metric, k in ((image_retrieval_recall, 1), (text_retrieval_recall, 1), (text_retrieval_recall, 4)):
        assert metric(prediction, problem, MetricOptions(at=k)).value is None


def test_a_recall_that_no_query_could_miss_is_not_measurable(problem_of):
    # captions: two of image 0, three of image 1; after three wrong ones image 0 has rank 4, image 1 rank 3
    problem = problem_of(np.array([[1, 1, 0, 0, 0], [0, 0, 1, 1, 1]], dtype=bool))
    prediction = Prediction(UNIT, {"row_ranks": np.array([4, 3]), "column_ranks": np.array([2, 2, 2, 2, 2])})
    found = [text_retrieval_recall(prediction, problem, MetricOptions(at=k)).value for k in (1, 2, 3, 4)]
    assert found == [0, 0, None, None]
    assert image_retrieval_recall(prediction, problem, MetricOptions(at=1)).value == 0
    assert image_retrieval_recall(prediction, problem, MetricOptions(at=2)).value is None
    shared = problem_of(np.ones((2, 1), dtype=bool))  # one caption of both images
    prediction = Prediction(UNIT, {"column_ranks": np.array([1])})
    assert image_retrieval_recall(prediction, shared, MetricOptions(at=1)).value is None


@pytest.mark.parametrize("metric", BY_CAPTION + BY_IMAGE)
def test_nothing_measured(metric, problem_of):
    problem = problem_of(np.zeros((2, 3), dtype=bool))
    prediction = Prediction(UNIT, {"row_ranks": np.zeros(2, int), "column_ranks": np.zeros(3, int)})
    found = metric(prediction, problem, options_of(metric))
    assert (found.value, found.ci_low, found.ci_high, found.n) == (None, None, None, 0)


def test_a_caption_of_several_images_belongs_to_the_first(problem_of):
    relevant = np.array([[0, 1, 0], [1, 1, 0]], dtype=bool)
    assert problem_of(relevant).relevant.first_candidates.tolist() == [1, 0, -1]


@pytest.mark.parametrize("metric", BY_CAPTION)
def test_captions_of_an_image_vary_together(metric, problem_of):
    # 40 images whose five captions are all alike: as uncertain as 40 captions, not as 200
    n = 40
    each = np.where(np.arange(n) % 2 == 0, 1, np.arange(n) + 2)
    together = problem_of(np.kron(np.eye(n, dtype=bool), np.ones((1, 5), dtype=bool)))
    alone = problem_of(np.eye(n, dtype=bool))
    clustered = metric(
        Prediction(UNIT, {"column_ranks": np.repeat(each, 5)}), together, options_of(metric, seed=3)
    )
    single = metric(Prediction(UNIT, {"column_ranks": each}), alone, options_of(metric, seed=3))
    assert clustered.value == single.value
    assert clustered.ci_high - clustered.ci_low == pytest.approx(single.ci_high - single.ci_low, rel=0.15)


@pytest.mark.parametrize("found", [False, True])
def test_recall_of_all_or_none_is_as_uncertain_as_so_many_images(found, problem_of):
    n = 40
    problem = problem_of(np.kron(np.eye(n, dtype=bool), np.ones((1, 5), dtype=bool)))
    prediction = Prediction(UNIT, {"column_ranks": np.full(5 * n, 1 if found else 9)})
    measured = image_retrieval_recall(prediction, problem, MetricOptions(at=5))
    exact = stats.binomtest(n if found else 0, n).proportion_ci(method="wilson")
    assert (measured.ci_low, measured.ci_high) == pytest.approx((exact.low, exact.high), abs=0.01)
    assert measured.ci_high - measured.ci_low > 0.05


@pytest.mark.parametrize("metric", [image_retrieval_median_rank, text_retrieval_median_rank])
def test_a_seed_fixes_the_interval(metric, problem_of):
    ranks = np.random.default_rng(0).integers(1, 60, size=60)
    problem = problem_of(np.eye(60, dtype=bool))
    prediction = Prediction(UNIT, {"row_ranks": ranks, "column_ranks": ranks})
    low = [metric(prediction, problem, options_of(metric, k=20, seed=seed)) for seed in (1, 1, 2)]
    assert low[0] == low[1]
    assert (low[0].ci_low, low[0].ci_high) != (low[2].ci_low, low[2].ci_high)


@pytest.mark.parametrize("metric", [image_retrieval_recall, text_retrieval_recall])
@pytest.mark.parametrize("at", [None, 0, 2.5])
def test_k_is_a_whole_number(metric, at, problem_of):
    prediction = Prediction(UNIT, {"row_ranks": np.array([1]), "column_ranks": np.array([1])})
    with pytest.raises(CardError, match=f"write {metric.name}@5"):
        metric(prediction, problem_of(np.array([[True]])), MetricOptions(at=at))


@pytest.mark.parametrize("metric", BY_CAPTION + BY_IMAGE)
def test_missing_ranks_are_named(metric, problem_of):
    with pytest.raises(Unsupported, match=r"reads (row|column)_ranks, which this task does not keep"):
        metric(Prediction(UNIT), problem_of(np.array([[True]])), options_of(metric))
