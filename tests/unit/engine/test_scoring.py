from dataclasses import dataclass

import numpy as np
import pytest
import torch
from colour_model import Squares

from vlbench.core.contracts import ModelInfo, Problem, ScoreUnit, Text
from vlbench.core.errors import NotFinite
from vlbench.core.relevance import Relevance
from vlbench.engine import scoring
from vlbench.engine.scoring import fresh_scores, predict


@dataclass
class Table:
    """A model whose image features are rows of scores."""

    info = ModelInfo("table", ScoreUnit("cosine"), (1, 1), 0)
    preprocess = None

    def score(self, images, texts):
        return images[:, texts[:, 0].long()]


def run(scores, pairs, kind, rows=None, monkeypatch=None):
    n, m = scores.shape
    if rows is not None:
        monkeypatch.setattr(scoring, "BLOCK_BYTES", 4 * m * rows)
    images, texts = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    problem = Problem(
        images=Squares(("red",) * n),
        texts=tuple(Text(str(j)) for j in range(m)),
        relevant=Relevance.from_pairs(images, texts, (n, m)),
    )
    columns = np.arange(m, dtype=np.float32)[:, None]
    images = scores.astype(np.float32)
    blocks = fresh_scores(Table(), lambda start, stop: images[start:stop], n, texts=columns, device="cpu")
    return predict(blocks, problem, kind, Table.info.unit)


def brute_force_rank(scores, right):
    if not right.any():
        return 0
    return 1 + int((scores[~right] >= scores[right].max()).sum())


def test_ties_never_help_by_hand():
    scores = np.array([[1.0, 1.0, 0.0], [2.0, 1.0, 3.0]])
    found = run(scores, [(0, 0), (1, 2)], "two_way_ranks")
    assert found.row_ranks.tolist() == [2, 1]
    assert found.column_ranks.tolist() == [2, 0, 1]


def test_right_answers_do_not_push_one_another_down():
    found = run(np.array([[1.0, 1.0, 1.0, 0.0]]), [(0, 0), (0, 1), (0, 2)], "row_ranks")
    assert found.row_ranks.tolist() == [1]


@pytest.mark.parametrize("rows", [1, 3, 1000])
@pytest.mark.parametrize("levels", [2, 5, 1000])
def test_ranks_equal_brute_force_whatever_the_blocks(rows, levels, monkeypatch):
    generator = np.random.default_rng(levels)
    scores = generator.integers(0, levels, (13, 29)).astype(float)
    pairs = [(int(i), int(j)) for i, j in zip(*np.nonzero(generator.random((13, 29)) < 0.1), strict=True)]
    right = np.zeros(scores.shape, dtype=bool)
    right[tuple(zip(*pairs, strict=True))] = True
    found = run(scores, pairs, "two_way_ranks", rows, monkeypatch)
    assert found.row_ranks.tolist() == [brute_force_rank(s, r) for s, r in zip(scores, right, strict=True)]
    assert found.column_ranks.tolist() == [
        brute_force_rank(s, r) for s, r in zip(scores.T, right.T, strict=True)
    ]
    matrix = run(scores, pairs, "matrix", rows, monkeypatch)
    assert np.array_equal(matrix.scores, scores)


def test_best_texts_come_with_their_scores():
    found = run(np.array([[3.0, 9.0, 5.0]]), [(0, 0)], "row_ranks")
    assert found.best.tolist() == [[1, 2, 0]]
    assert found.best_scores.tolist() == [[9.0, 5.0, 3.0]]
    assert found.row_ranks.tolist() == [3]


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
    assert found.right_scores.tolist() == [2.0, 0.0]
    np.testing.assert_allclose(found.log_sums, np.log(np.exp(scores).sum(axis=1)), rtol=1e-6)
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    squares = np.exp(found.log_square_sums - 2 * found.log_sums)
    np.testing.assert_allclose(squares, (shares**2).sum(axis=1), rtol=1e-5)
