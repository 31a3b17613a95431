"""The scores of the asked pairs, and ranks among them, for matching tasks. Other pairs are not computed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlbench.core.errors import DataError
from vlbench.core.problem import Problem
from vlbench.core.scoring import Axis, ScorePass, Scoring

Scores = NDArray[np.float32]
Indices = NDArray[np.int64]


def keep_asked_pairs(blocks: ScorePass, problem: Problem) -> Mapping[str, NDArray[Any]]:
    """Keep the score of every asked pair, [p], and ranks among the asked pairs.

    `pair_scores` [p] are sorted by candidate, then query. `row_ranks` [n] is the rank of each candidate's
    best right query, `column_ranks` [m] that of each query's best right candidate; 0 where no right pair is
    asked. `wrong_above` [r] counts, for each right pair, the wrong candidates of its query that score at
    least as high. `candidates_alike` [n] and `queries_alike` [m] are the position of the first item with
    equal features; for queries with images, their own position. `queries_cut` [m] tells which queries the
    model truncates.

    >>> from dataclasses import replace
    >>> from vlbench.core.small_problem import small_problem
    >>> from vlbench.engine.scoring import stored_scores
    >>> problem = small_problem([[1, 0], [0, 1]], items="aa")
    >>> blocks = stored_scores(np.array([[0.9, 0.1], [0.6, 0.4]], dtype=np.float32), problem)
    >>> features = dict.fromkeys(("candidates", "queries"), lambda: np.eye(2, dtype=np.float32))
    >>> blocks = replace(blocks, features=features, cut=lambda: np.zeros(2, dtype=np.bool_))
    >>> kept = keep_asked_pairs(blocks, problem)
    >>> kept["row_ranks"].tolist(), kept["column_ranks"].tolist()
    ([1, 2], [1, 1])
    """
    check_asked(problem, asked_pairs.name)
    assert problem.asked is not None
    asked, (n, m) = problem.asked.pairs, problem.relevant.shape
    scores = blocks.pairs(asked)
    right = problem.relevant.holds(asked)
    above = [
        reaching(owners[~right], scores[~right], owners[right], scores[right])
        for owners in (asked.candidates, asked.queries)
    ]
    cut = np.zeros(m, dtype=np.bool_)
    cut[[query.text is not None for query in problem.queries]] = blocks.cut()
    by_image = any(query.image is not None for query in problem.queries)
    return {
        "pair_scores": scores,
        "row_ranks": best_ranks(asked.candidates[right], above[0], n),
        "column_ranks": best_ranks(asked.queries[right], above[1], m),
        "wrong_above": above[1],
        "candidates_alike": blocks.alike("candidates"),
        "queries_alike": np.arange(m) if by_image else blocks.alike("queries"),
        "queries_cut": cut,
    }


def reaching(owners: Indices, scores: Scores, of_owners: Indices, of_scores: Scores) -> Indices:
    """For each of the second scores, how many of the first scores of the same owner are at least as high,
    [q].

    >>> reaching(np.array([0, 0, 1]), np.array([2.0, 3.0, 9.0]), np.array([0, 1]), np.array([3.0, 9.5]))
    array([1, 0])
    """
    levels, places = np.unique(np.concatenate([scores, of_scores]), return_inverse=True)
    width = len(levels) + 1
    keys = np.sort(owners * width + places[: len(scores)])
    low = np.searchsorted(keys, of_owners * width + places[len(scores) :])
    return (np.searchsorted(keys, (of_owners + 1) * width) - low).astype(np.int64)


def best_ranks(owners: Indices, wrong_above: Indices, count: int) -> Indices:
    """The rank of the best right pair of each of `count` owners; 0 for an owner without one.

    >>> best_ranks(np.array([0, 0, 2]), np.array([3, 1, 0]), 3)
    array([2, 0, 1])
    """
    ranks = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(ranks, owners, wrong_above + 1)
    ranks[np.bincount(owners, minlength=count) == 0] = 0
    return ranks


def check_asked(problem: Problem, name: str) -> None:
    """Check that a problem states the pairs that it asks about.

    Raises:
        DataError: the problem asks about all pairs, or all but some.
    """
    if problem.asked is None or problem.asked.how != "only":
        raise DataError(
            f"scoring {name!r} reads the pairs that are asked about one by one, and the problem names none; "
            'give it Asked("only", pairs), or choose a scoring of all pairs'
        )


_AXES: Mapping[str, Axis] = {
    "pair_scores": "asked",
    "row_ranks": "candidates",
    "column_ranks": "queries",
    "wrong_above": "right",
    "candidates_alike": "candidates",
    "queries_alike": "queries",
    "queries_cut": "queries",
}

asked_pairs = Scoring("asked_pairs", keep_asked_pairs, keeps=frozenset(_AXES), suits=check_asked, axes=_AXES)
