from dataclasses import replace

import numpy as np
import pytest
from score_table import counted_above, counted_ranks, kept, table_problem

from vlbench.core.contracts import Text
from vlbench.core.errors import DataError, NotFinite
from vlbench.core.problem import Query
from vlbench.engine import scoring
from vlbench.scorings.asked_pairs import keep_asked_pairs

RIGHT = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0]], dtype=bool)
ASKED = np.array([[1, 1, 0], [1, 1, 0], [0, 1, 1]], dtype=bool)


def test_ranks_are_among_the_asked_by_hand():
    scores = np.array([[5.0, 4.0, 9.0], [5.0, 6.0, 9.0], [9.0, 7.0, 1.0]])
    found = kept(scores, table_problem(RIGHT, ASKED), "asked_pairs")
    assert found["pair_scores"].tolist() == [5, 4, 5, 6, 7, 1]
    # rows: 5 beats 4; 6 beats 5; nothing is right of the last. The 9s are not asked about
    assert found["row_ranks"].tolist() == [1, 1, 0]
    # columns: 5 ties with 5, which does not help; 6 stands below 7; nothing is right of the last
    assert found["column_ranks"].tolist() == [2, 2, 0]
    assert found["wrong_above"].tolist() == [1, 1]


def test_right_pairs_do_not_push_one_another_down():
    right = np.array([[1], [1], [0]], dtype=bool)
    found = kept(np.array([[2.0], [3.0], [2.5]]), table_problem(right, right | True), "asked_pairs")
    assert found["wrong_above"].tolist() == [1, 0]
    assert found["column_ranks"].tolist() == [1]


@pytest.mark.parametrize("levels", [1, 3, 1000])
def test_equals_brute_force(levels):
    generator = np.random.default_rng(levels)
    scores = generator.integers(0, levels, (17, 23)).astype(float)
    asked = generator.random(scores.shape) < 0.4
    right = asked & (generator.random(scores.shape) < 0.3)
    found = kept(scores, table_problem(right, asked), "asked_pairs")
    assert found["pair_scores"].tolist() == scores[asked].tolist()
    assert found["wrong_above"].tolist() == counted_above(scores, right, asked)
    assert found["row_ranks"].tolist() == counted_ranks(scores, right, asked)
    assert found["column_ranks"].tolist() == counted_ranks(scores.T, right.T, asked.T)


def test_what_a_model_cannot_tell_apart_or_does_not_read_is_kept():
    table = table_problem(RIGHT, ASKED)
    scores = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [1.0, 2.0, 3.0]])
    found = kept(scores, table, "asked_pairs")
    assert found["candidates_alike"].tolist() == [0, 1, 0]
    assert found["queries_alike"].tolist() == [0, 1, 2]
    assert found["queries_cut"].tolist() == [False] * 3


def test_queries_that_point_to_images_are_told_apart_by_more_than_their_words():
    class Pass:
        def pairs(self, asked):
            return np.zeros(len(asked.candidates), dtype=np.float32)

        def alike(self, side):
            assert side == "candidates"
            return np.arange(3)

        def cut(self):
            return np.array([True, False])  # of the two that have words

    problem = table_problem(RIGHT, ASKED)
    queries = (Query(Text("a"), 0), Query(image=1), Query(Text("a"), 2))
    problem = replace(problem, queries=queries, references=problem.candidates)
    found = keep_asked_pairs(Pass(), problem)
    assert found["queries_alike"].tolist() == [0, 1, 2]
    assert found["queries_cut"].tolist() == [True, False, False]


def test_the_matrix_is_never_made(monkeypatch):
    monkeypatch.setattr(scoring.ScoreBlocks, "__iter__", lambda self: pytest.fail("made a block"))
    kept(np.zeros((3, 3)), table_problem(RIGHT, ASKED), "asked_pairs")


@pytest.mark.parametrize("asked", [None, ~ASKED])
def test_a_problem_that_names_no_pairs_is_refused(asked):
    problem = table_problem(RIGHT, asked, "but")
    with pytest.raises(DataError, match="names none"):
        kept(np.zeros((3, 3)), problem, "asked_pairs")


def test_nan_is_an_error_where_it_is_asked_about():
    scores = np.zeros((3, 3))
    scores[0, 2] = np.nan  # not asked
    kept(scores, table_problem(RIGHT, ASKED), "asked_pairs")
    scores[0, 1] = np.nan
    with pytest.raises(NotFinite):
        kept(scores, table_problem(RIGHT, ASKED), "asked_pairs")
