from dataclasses import dataclass

import numpy as np
import pytest
import torch
from colour_model import squares

from vlbench.core.contracts import ModelInfo, ScoreUnit, Text
from vlbench.core.errors import NotFinite, Unrepeatable
from vlbench.core.problem import Asked, Problem, by_words
from vlbench.core.registry import SCORINGS
from vlbench.core.relevance import Relevance
from vlbench.engine import scoring
from vlbench.engine.feature_store import leading_bytes
from vlbench.engine.scoring import fresh_scores, predict


@dataclass
class Table:
    """A model whose image features are rows of scores."""

    info = ModelInfo("table", ScoreUnit("cosine"), (1, 1), 0)
    preprocess = None

    def score(self, images, texts):
        return images[:, texts[:, 0].long()]


def kept(model, images, texts, problem, kind):
    """What a scoring keeps of a model's scores of image features [n, d] and text features [m, d]."""
    blocks = fresh_scores(
        model.score,
        lambda places: images[places],
        leading_bytes(images),
        texts=texts,
        problem=problem,
        device="cpu",
    )
    return predict(blocks, problem, SCORINGS.get(kind), model.info.unit)


def run(scores, pairs, kind, rows=None, monkeypatch=None, asked=None):
    n, m = scores.shape
    if rows is not None:
        monkeypatch.setattr(scoring, "BLOCK_BYTES", 4 * m * rows)
    images, texts = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    problem = Problem(
        candidates=squares(("red",) * n),
        queries=by_words(tuple(Text(str(j)) for j in range(m))),
        relevant=Relevance.from_pairs(images, texts, (n, m)),
        asked=asked,
    )
    columns = np.arange(m, dtype=np.float32)[:, None]
    images = scores.astype(np.float32)
    return kept(Table(), images, columns, problem, kind)


def brute_force_rank(scores, right):
    if not right.any():
        return 0
    return 1 + int((scores[~right] >= scores[right].max()).sum())


def test_ties_never_help_by_hand():
    scores = np.array([[1.0, 1.0, 0.0], [2.0, 1.0, 3.0]])
    found = run(scores, [(0, 0), (1, 2)], "two_way_ranks")
    assert found["row_ranks"].tolist() == [2, 1]
    assert found["column_ranks"].tolist() == [2, 0, 1]


def test_right_answers_do_not_push_one_another_down():
    found = run(np.array([[1.0, 1.0, 1.0, 0.0]]), [(0, 0), (0, 1), (0, 2)], "row_ranks")
    assert found["row_ranks"].tolist() == [1]


@pytest.mark.parametrize("rows", [1, 3, 1000])
@pytest.mark.parametrize("levels", [2, 5, 1000])
def test_ranks_equal_brute_force_whatever_the_blocks(rows, levels, monkeypatch):
    generator = np.random.default_rng(levels)
    scores = generator.integers(0, levels, (13, 29)).astype(float)
    pairs = [(int(i), int(j)) for i, j in zip(*np.nonzero(generator.random((13, 29)) < 0.1), strict=True)]
    right = np.zeros(scores.shape, dtype=bool)
    right[tuple(zip(*pairs, strict=True))] = True
    found = run(scores, pairs, "two_way_ranks", rows, monkeypatch)
    assert found["row_ranks"].tolist() == [brute_force_rank(s, r) for s, r in zip(scores, right, strict=True)]
    assert found["column_ranks"].tolist() == [
        brute_force_rank(s, r) for s, r in zip(scores.T, right.T, strict=True)
    ]
    matrix = run(scores, pairs, "matrix", rows, monkeypatch)
    assert np.array_equal(matrix["scores"], scores)


@pytest.mark.parametrize("rows", [1, 1000])
def test_a_pair_that_is_not_asked_has_no_score_in_the_matrix(rows, monkeypatch):
    scores = np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]])
    unknown = Asked("but", Relevance.from_pairs(np.array([0, 1]), np.array([1, 0]), (3, 2)))
    kept = run(scores, [(0, 0)], "matrix", rows, monkeypatch, asked=unknown)["scores"]
    np.testing.assert_array_equal(kept, [[1, np.nan], [np.nan, 4], [1, 2]])
    scores[1, 0] = np.nan  # what a model must never answer, asked or not
    with pytest.raises(NotFinite):
        run(scores, [(0, 0)], "matrix", asked=unknown)


def test_best_texts_come_with_their_scores():
    found = run(np.array([[3.0, 9.0, 5.0]]), [(0, 0)], "row_ranks")
    assert found["best"].tolist() == [[1, 2, 0]]
    assert found["best_scores"].tolist() == [[9.0, 5.0, 3.0]]
    assert found["row_ranks"].tolist() == [3]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["row_ranks", "two_way_ranks", "matrix"])
def test_a_score_that_is_no_number_is_an_error(bad, kind):
    scores = np.zeros((4, 3))
    scores[2, 1] = bad
    with pytest.raises(NotFinite, match="images 0 to 4"):
        run(scores, [(0, 0)], kind)


def test_inference_leaves_no_graph():
    assert torch.is_grad_enabled()
    run(np.eye(2), [(0, 0), (1, 1)], "row_ranks")
    assert torch.is_grad_enabled()


def test_a_softmax_is_kept_in_three_numbers():
    scores = np.array([[1.0, 2.0, 4.0], [0.0, 0.0, -3.0]])
    found = run(scores, [(0, 1), (1, 0), (1, 2)], "row_ranks")
    assert found["right_scores"].tolist() == [2.0, 0.0]
    below = scores - scores.max(axis=1, keepdims=True)
    np.testing.assert_allclose(found["log_sums"], np.log(np.exp(below).sum(axis=1)), rtol=1e-6)
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    squares = np.exp(found["log_square_sums"] - 2 * found["log_sums"])
    np.testing.assert_allclose(squares, (shares**2).sum(axis=1), rtol=1e-5)


def test_large_equal_scores_keep_their_softmax():
    found = run(np.full((2, 5), 1e8), [(0, 1), (1, 0)], "row_ranks")
    np.testing.assert_allclose(found["log_sums"], [np.log(5)] * 2, rtol=1e-6)
    np.testing.assert_allclose(
        np.exp(found["log_square_sums"] - 2 * found["log_sums"]), [1 / 5] * 2, rtol=1e-5
    )


@dataclass
class Rounding:
    """A model that rounds by place: what an odd kernel may do to any row and any column."""

    info = ModelInfo("rounding", ScoreUnit("cosine"), (1, 1), 0)
    preprocess = None

    def score(self, images, texts):
        places = torch.arange(len(images))[:, None] + torch.arange(len(texts))
        return images @ texts.T + 1e-6 * torch.sin(places.float())


def rounded(images, texts, pairs, kind):
    rows, columns = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    shape = (len(images), len(texts))
    problem = Problem(
        squares(("red",) * shape[0]),
        by_words(tuple(Text(str(j)) for j in range(shape[1]))),
        Relevance.from_pairs(rows, columns, shape),
    )
    return kept(Rounding(), images, texts, problem, kind)


@pytest.mark.parametrize("m", [2, 3, 5, 7, 10, 11, 37, 101])
@pytest.mark.parametrize("rows", [1, 3, 1000])
def test_a_model_that_looks_at_one_side_alone_scores_nothing(m, rows, monkeypatch):
    monkeypatch.setattr(scoring, "BLOCK_BYTES", 4 * m * rows)
    n = 3 * m
    pairs = [(i, i % m) for i in range(n)]
    different = np.random.default_rng(0).standard_normal((n, 4)).astype(np.float32)
    equal = np.ones((n, 4), np.float32)
    blind_to_text = rounded(different, equal[:m], pairs, "two_way_ranks")
    assert (blind_to_text["row_ranks"] == m).all()
    blind_to_images = rounded(equal, different[:m], pairs, "two_way_ranks")
    assert (blind_to_images["column_ranks"] == n - 3 + 1).all()
    assert rounded(different, equal[:m], pairs, "row_ranks")["row_ranks"].tolist() == [m] * n


@pytest.mark.parametrize("rows", [1, 4, 7, 1000])
def test_equal_rows_share_their_scores_and_keep_their_own_truth(rows, monkeypatch):
    generator = np.random.default_rng(1)
    images = generator.standard_normal((9, 5)).astype(np.float32)[generator.integers(0, 9, 40)]
    texts = generator.standard_normal((4, 5)).astype(np.float32)[generator.integers(0, 4, 21)]
    pairs = [(i, int(j)) for i in range(40) for j in generator.choice(21, 2, replace=False)]
    monkeypatch.setattr(scoring, "BLOCK_BYTES", 4 * 21 * rows)
    scores = rounded(images, texts, pairs, "matrix")["scores"]
    for same in (images, texts):
        side = scores if same is images else scores.T
        for i, row in enumerate(same):
            equals = (same == row).all(axis=1)
            assert (side[equals] == side[i]).all()
    relevant = np.zeros((40, 21), np.bool_)
    relevant[tuple(zip(*pairs, strict=True))] = True
    found = rounded(images, texts, pairs, "two_way_ranks")
    assert found["row_ranks"].tolist() == [
        brute_force_rank(*each) for each in zip(scores, relevant, strict=True)
    ]
    columns = zip(scores.T, relevant.T, strict=True)
    assert found["column_ranks"].tolist() == [brute_force_rank(*each) for each in columns]
    one_way = rounded(images, texts, pairs, "row_ranks")
    assert one_way["row_ranks"].tolist() == found["row_ranks"].tolist()
    assert (one_way["best_scores"] == np.take_along_axis(scores, one_way["best"], axis=1)).all()


def test_a_model_that_answers_otherwise_each_time_is_refused(monkeypatch):
    monkeypatch.setattr(scoring, "BLOCK_BYTES", 4 * 30 * 16)
    generator = torch.Generator().manual_seed(0)

    class Fickle(Rounding):
        def score(self, images, texts):
            return torch.rand(len(images), len(texts), generator=generator)

    monkeypatch.setitem(globals(), "Rounding", Fickle)
    images = np.arange(60, dtype=np.float32)[:, None]
    texts = np.arange(30, dtype=np.float32)[:, None]
    with pytest.raises(Unrepeatable, match="score otherwise when their images are scored again"):
        rounded(images, texts, [(i, i // 2) for i in range(60)], "two_way_ranks")
