"""Scores written down as a table, for tests of scorings; and what of them is right, counted pair by pair."""

from dataclasses import replace

import numpy as np
import torch
from colour_model import squares
from numpy.typing import NDArray
from torch import Tensor

from vlbench.core.contracts import Prediction, ScoreUnit, Text
from vlbench.core.problem import Asked, Problem, by_words
from vlbench.core.registry import SCORINGS
from vlbench.core.relevance import Relevance
from vlbench.engine.feature_store import leading_bytes
from vlbench.engine.scoring import fresh_scores, predict


def read_off(images: Tensor, texts: Tensor) -> Tensor:
    """Image features are rows of scores, text features their columns' numbers."""
    return images[:, texts[:, 0].long()]


def table_problem(
    right: NDArray[np.bool_], asked: NDArray[np.bool_] | None = None, how: str = "only"
) -> Problem:
    """A problem of a truth matrix [n, m], and of one that says which pairs `how` is about."""
    n, m = right.shape
    return Problem(
        candidates=squares(("red",) * n),
        queries=by_words(tuple(Text(str(j)) for j in range(m))),
        relevant=pairs(right),
        asked=None if asked is None else Asked(how, pairs(asked)),
    )


def pairs(truth: NDArray[np.bool_]) -> Relevance:
    return Relevance.from_pairs(*np.nonzero(truth), truth.shape)


def kept(scores: NDArray[np.float64], problem: Problem, kind: str) -> Prediction:
    """What a scoring keeps of scores [n, m]."""
    images = scores.astype(np.float32)
    texts = np.arange(scores.shape[1], dtype=np.float32)[:, None]
    blocks = fresh_scores(
        read_off,
        lambda places: images[places],
        leading_bytes(images),
        texts=texts,
        problem=problem,
        device="cpu",
        score_pairs=lambda rows, columns: rows[torch.arange(len(rows)), columns[:, 0].long()],
    )
    blocks = replace(
        blocks,
        features={"candidates": lambda: images, "queries": lambda: texts},
        cut=lambda: np.zeros(len(texts), dtype=np.bool_),
    )
    return predict(blocks, problem, SCORINGS.get(kind), ScoreUnit("cosine"))


def counted_above(
    scores: NDArray[np.float64], right: NDArray[np.bool_], asked: NDArray[np.bool_]
) -> list[int]:
    """For each right pair, sorted, the wrong asked candidates of its query that score at least as high."""
    wrong = asked & ~right
    return [
        sum(bool(wrong[k, j]) and bool(scores[k, j] >= scores[i, j]) for k in range(len(scores)))
        for i, j in np.argwhere(right)
    ]


def counted_ranks(
    scores: NDArray[np.float64], right: NDArray[np.bool_], asked: NDArray[np.bool_]
) -> list[int]:
    """The rank of the best right asked column of each row, 0 without one."""
    return [
        1 + int((row[can & ~is_right] >= row[is_right].max()).sum()) if is_right.any() else 0
        for row, is_right, can in zip(scores, right, asked, strict=True)
    ]
