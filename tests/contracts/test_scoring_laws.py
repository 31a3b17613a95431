"""The laws every scoring passes; they run over all that vlbench registers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from colour_model import squares

from vlbench.core.contracts import ScoreUnit, Text
from vlbench.core.errors import NotFinite, PluginError
from vlbench.core.problem import Asked, Problem, by_words
from vlbench.core.registry import SCORINGS
from vlbench.core.relevance import Relevance
from vlbench.core.scoring import Scoring
from vlbench.engine import scoring as engine
from vlbench.engine.feature_store import leading_bytes
from vlbench.engine.scoring import fresh_scores, predict

N, M = 11, 6


def dense(marks):
    return Relevance.from_pairs(*np.nonzero(marks), (N, M))


GENERATOR = np.random.default_rng(0)
RIGHT = GENERATOR.random((N, M)) < 0.2
ASKED = RIGHT | (GENERATOR.random((N, M)) < 0.5)
SCORES = GENERATOR.integers(0, 4, (N, M)).astype(np.float32)  # with ties
SCORES[[4, 9]] = SCORES[1]  # equal candidates, which are scored once and beside one another
PROBLEM = Problem(
    candidates=squares(("red",) * N),
    queries=by_words(tuple(Text(str(j)) for j in range(M))),
    relevant=dense(RIGHT),
    asked=Asked("only", dense(ASKED)),
)


def columns_of(images, texts):
    return images[:, texts[:, 0].long()]


def kept(scoring, scores=SCORES, problem=PROBLEM, features=None):
    """What a scoring keeps of a model whose image features are rows of scores, unless others are given."""
    texts = np.arange(M, dtype=np.float32)[:, None]
    blocks = fresh_scores(
        columns_of,
        lambda places: scores[places],
        leading_bytes(scores),
        texts=texts,
        problem=problem,
        device="cpu",
    )
    blocks = replace(
        blocks,
        vectors=lambda: scores,
        features={"candidates": lambda: scores if features is None else features, "queries": lambda: texts},
        cut=lambda: np.arange(M) == 2,
    )
    return predict(blocks, problem, scoring, ScoreUnit("cosine")).arrays


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


@pytest.fixture(params=SCORINGS.names())
def scoring(request):
    return SCORINGS.get(request.param)


def test_a_scoring_says_what_it_keeps(scoring):
    assert SCORINGS.get(scoring.name) is scoring
    assert (scoring.run.__doc__ or "").strip()
    arrays = kept(scoring)
    assert arrays.keys() == scoring.keeps
    counts = {N, M, int(RIGHT.sum()), int(ASKED.sum())}
    assert {name: len(values) for name, values in arrays.items() if len(values) not in counts} == {}


@pytest.mark.parametrize("rows", [1, 2, 3, 64])
def test_the_size_of_blocks_changes_nothing(scoring, rows, monkeypatch):
    whole = kept(scoring)
    monkeypatch.setattr(engine, "BLOCK_BYTES", 4 * M * rows)
    assert_same(kept(scoring), whole)


def test_another_order_of_candidates_is_another_order_of_rows(scoring):
    order = np.arange(N)[::-1]
    turned = replace(PROBLEM, relevant=dense(RIGHT[order]), asked=Asked("only", dense(ASKED[order])))
    here, there = kept(scoring), kept(scoring, SCORES[order], turned)
    for name, values in here.items():
        if name == "candidates_alike":  # positions, which are others there
            found = (each[:, None] == each for each in (there[name], values[order]))
            np.testing.assert_array_equal(*found)
        elif name == "best_candidates":  # positions, too: of equal scores the first ones
            sides = ((there[name], SCORES[order]), (values, SCORES))
            found = (np.where(each < 0, -1, scores[each, np.arange(M)[:, None]]) for each, scores in sides)
            np.testing.assert_array_equal(*found)
        elif len(values) == N:
            np.testing.assert_array_equal(there[name], values[order], err_msg=name)
        elif len(values) == M:
            np.testing.assert_array_equal(there[name], values, err_msg=name)
        else:  # of pairs, which are sorted by the candidate
            assert sorted(there[name].tolist()) == sorted(values.tolist()), name


def test_what_is_not_asked_about_changes_nothing(scoring):
    # equal candidates stay equal, so that they are still scored once
    other = np.where(ASKED, SCORES, 77 + SCORES)
    if scoring.scores:
        assert_same(kept(scoring, other.astype(np.float32), features=SCORES), kept(scoring))


def test_ranks_are_those_of_the_strict_rule(scoring):
    arrays = kept(scoring)
    for name, axis in (("row_ranks", 0), ("column_ranks", 1)):
        if name not in arrays:
            continue
        sides = (SCORES, RIGHT, ASKED & ~RIGHT) if axis == 0 else (SCORES.T, RIGHT.T, (ASKED & ~RIGHT).T)
        by_hand = [
            1 + int((scores[wrong] >= scores[right].max()).sum()) if right.any() else 0
            for scores, right, wrong in zip(*sides, strict=True)
        ]
        assert arrays[name].tolist() == by_hand, name


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_score_that_is_no_number_is_refused(scoring, value):
    wrong = SCORES.copy()
    wrong[tuple(np.argwhere(ASKED)[3])] = value
    if scoring.scores:
        with pytest.raises(NotFinite):
            kept(scoring, wrong)


def test_a_scoring_that_keeps_other_arrays_than_it_says_is_refused_by_name():
    def run(blocks, problem):
        return {"found": torch.zeros(N).numpy()}

    with pytest.raises(PluginError, match="'lost' says that it keeps looked_for and keeps found; mend"):
        kept(Scoring("lost", run, keeps=frozenset({"looked_for"})))
