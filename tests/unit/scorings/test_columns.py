import tracemalloc

import numpy as np
import pytest
import score_table
import torch
from colour_model import squares
from score_table import counted_above, counted_ranks, kept, table_problem

from vlbench.core.errors import NotFinite, Unrepeatable
from vlbench.core.problem import Asked, Problem, Query
from vlbench.core.registry import SCORINGS
from vlbench.core.relevance import Relevance
from vlbench.engine import scoring
from vlbench.engine.scoring import predict, vector_scores


def test_what_stands_above_each_right_pair_by_hand():
    # query 0: right 9, 5 (ties with a wrong 5), 1; wrong 7, 5. Query 1: nothing right. Query 2: right 3 alone
    scores = np.array([[9.0, 1, 3], [7, 2, 2], [5, 3, 2], [5, 4, 2], [1, 5, 2]])
    right = np.array([[1, 0, 1], [0, 0, 0], [1, 0, 0], [0, 0, 0], [1, 0, 0]], dtype=bool)
    found = kept(scores, table_problem(right), "columns")
    # pairs in order: (0, 0), (0, 2), (2, 0), (4, 0)
    assert found["wrong_above"].tolist() == [0, 0, 2, 2]
    assert found["column_ranks"].tolist() == [1, 0, 1]


def test_a_tie_never_helps():
    right = np.eye(4, dtype=bool)
    found = kept(np.full((4, 4), 0.25), table_problem(right), "columns")
    assert found["wrong_above"].tolist() == [3, 3, 3, 3]
    assert found["column_ranks"].tolist() == [4, 4, 4, 4]


def test_pairs_that_are_not_asked_stand_above_nothing():
    scores = np.array([[9.0], [8.0], [7.0]])
    right = np.array([[0], [0], [1]], dtype=bool)
    but = np.array([[1], [0], [0]], dtype=bool)
    assert kept(scores, table_problem(right), "columns")["wrong_above"].tolist() == [2]
    assert kept(scores, table_problem(right, but, "but"), "columns")["wrong_above"].tolist() == [1]
    assert kept(scores, table_problem(right, ~but, "only"), "columns")["wrong_above"].tolist() == [1]


@pytest.mark.parametrize("how", [None, "only", "but"])
@pytest.mark.parametrize("rows", [1, 3, 1000])
@pytest.mark.parametrize("levels", [1, 2, 5, 1000])
def test_equals_brute_force_whatever_the_blocks(how, rows, levels, monkeypatch):
    monkeypatch.setattr(scoring, "BLOCK_BYTES", 4 * 11 * rows)
    generator = np.random.default_rng(levels)
    scores = generator.integers(0, levels, (29, 11)).astype(float)
    scores = scores[generator.integers(0, 29, 29)]  # equal rows, which the blocks put beside one another
    stated = generator.random(scores.shape) < 0.3
    can = {None: np.ones_like(stated), "only": stated, "but": ~stated}[how]
    right = can & (generator.random(scores.shape) < np.linspace(0, 1, 11))  # from none to all of a column
    found = kept(scores, table_problem(right, None if how is None else stated, how or ""), "columns")
    assert found["wrong_above"].tolist() == counted_above(scores, right, can)
    assert found["column_ranks"].tolist() == counted_ranks(scores.T, right.T, can.T)


def test_column_ranks_are_those_of_two_way_ranks():
    generator = np.random.default_rng(0)
    scores = generator.integers(0, 6, (40, 30)).astype(float)
    problem = table_problem(generator.random((40, 30)) < 0.1)
    ranks = [kept(scores, problem, kind)["column_ranks"].tolist() for kind in ("columns", "two_way_ranks")]
    assert ranks[0] == ranks[1]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_no_number_is_an_error(bad):
    scores = np.zeros((4, 3))
    scores[2, 1] = bad
    with pytest.raises(NotFinite, match="images 0 to 4"):
        kept(scores, table_problem(np.eye(4, 3, dtype=bool)), "columns")


def test_a_model_that_answers_otherwise_each_time_is_refused(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    monkeypatch.setattr(scoring, "BLOCK_BYTES", 4 * 30 * 16)
    monkeypatch.setattr(
        score_table,
        "read_off",
        lambda rows, columns: torch.rand(len(rows), len(columns), generator=generator),
    )
    scores = np.arange(60.0)[:, None] + np.arange(30.0)
    with pytest.raises(Unrepeatable, match="right pairs score otherwise"):
        kept(scores, table_problem(np.tile(np.eye(30, dtype=bool), (2, 1))), "columns")


@pytest.mark.slow
def test_all_but_themselves_of_60000_queries_cost_less_than_10_mb():
    """Every query is one of the images and asks for all but itself; pairs are all that grows with them."""
    n, m = 64, 60_000
    generator = np.random.default_rng(0)
    own = np.arange(m) % n
    images, queries = squares(("red",) * n), tuple(Query(image=int(image)) for image in own)
    relevant = Relevance.from_pairs((own + 1) % n, np.arange(m), (n, m))
    vectors = generator.standard_normal((n, 4)).astype(np.float32)
    asking = np.ascontiguousarray(vectors[own])

    def peak(asked):
        tracemalloc.start()
        pairs = None if asked is None else Asked("but", Relevance.from_pairs(own, np.arange(m), (n, m)))
        problem = Problem(images, queries, relevant, pairs, references=images)
        blocks = vector_scores(vectors, asking, problem=problem, device="cpu")
        predict(blocks, problem, SCORINGS.get("columns"), None)
        held = 0 if pairs is None else pairs.pairs.candidates.nbytes + pairs.pairs.queries.nbytes
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most, held

    without, _ = peak(None)
    most, held = peak("but")
    assert held == 2 * 8 * m  # 0.96 MB
    assert most - without < 10e6


def test_another_order_of_candidates_changes_nothing():
    generator = np.random.default_rng(3)
    scores = generator.integers(0, 4, (20, 7)).astype(float)
    right = generator.random(scores.shape) < 0.3
    order = generator.permutation(20)
    found = kept(scores, table_problem(right), "columns")
    other = kept(scores[order], table_problem(right[order]), "columns")
    assert other["column_ranks"].tolist() == found["column_ranks"].tolist()
    above = np.full(scores.shape, -1)
    above[right] = found["wrong_above"]
    assert other["wrong_above"].tolist() == above[order][right[order]].tolist()
