"""Scores in blocks, reduced to what the metrics read; the full matrix is never held for retrieval."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlbench.core.contracts import Model, Prediction, Problem, ScoreUnit, Scoring
from vlbench.core.errors import NotFinite, Unrepeatable
from vlbench.core.relevance import Relevance
from vlbench.engine.distinct import TILE, Columns, Indices, first_equals
from vlbench.engine.feature_store import Features

BLOCK_BYTES = 8 * 2**20
"""Bytes of one block of scores; fixed, so that every run computes the same blocks."""
FEATURE_BLOCK_BYTES = 64 * 2**20
"""Bytes of the image features that one block is made of, at most."""
BEST_KEPT = 5
"""Best texts kept of each image."""

Ranks = NDArray[np.int64]
Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True, slots=True)
class ScoreBlocks:
    """Row blocks [rows, m] of the score matrix, computed anew at every pass with equal bits.

    `score` turns distinct images start to stop into scores. `order` [n] is the order in which the blocks
    hold the images, equal ones beside one another, and `groups` [n] says which distinct image each of them
    is; both are None where all images are distinct and lie in their own order.
    """

    score: Callable[[int, int], Tensor]
    count: int
    device: str
    unit_rows: int
    order: Indices | None = None
    groups: Indices | None = None

    def __iter__(self) -> Iterator[tuple[int, int, Tensor]]:
        for start, stop, block in self._blocks():
            # one NaN or a +inf beside a -inf makes the sum NaN; a lone infinity stays infinite
            if not bool(torch.isfinite(block.sum())):
                raise NotFinite(
                    f"scores of images {start} to {stop} hold NaN or infinity; check weights or precision"
                )
            yield start, stop, block

    def _blocks(self) -> Iterator[tuple[int, int, Tensor]]:
        distinct = self.count if self.groups is None else int(self.groups[-1]) + 1
        for start in range(0, distinct, self.unit_rows):
            stop = min(start + self.unit_rows, distinct)
            block = self.score(start, stop)
            if self.groups is None:
                yield start, stop, block
                continue
            low, high = np.searchsorted(self.groups, [start, stop]).tolist()
            for first in range(low, high, self.unit_rows):
                last = min(first + self.unit_rows, high)
                members = torch.from_numpy(self.groups[first:last] - start).to(block.device)
                yield first, last, block.index_select(0, members)

    @property
    def single(self) -> bool:
        """Whether one block is all."""
        return self.count <= self.unit_rows

    def arranged(self, relevant: Relevance) -> Relevance:
        """Right pairs with the images in the blocks' order."""
        if self.order is None:
            return relevant
        places = np.empty_like(self.order)
        places[self.order] = np.arange(self.count)
        return Relevance.from_pairs(places[relevant.images], relevant.texts, relevant.shape)

    def restored(self, values: NDArray[Number]) -> NDArray[Number]:
        """What was found of the images [n, ...] in the blocks' order, in their own."""
        if self.order is None:
            return values
        own = np.empty_like(values)
        own[self.order] = values
        return own


def fresh_scores(
    model: Model, images: Callable[[Indices], Features], leading: Indices, *, texts: Features, device: str
) -> ScoreBlocks:
    """Scores of n images, whose features [rows, ...] are read block by block, and texts [m, ...].

    `leading` [n] are the first bytes of each image's features. Images and texts of equal features are scored
    once: they tie to the bit.
    """
    count = len(leading)
    columns = Columns.of(texts, device)
    row_bytes = images(np.arange(1)).nbytes if count else 1
    rows = min(BLOCK_BYTES // (4 * max(1, len(texts))), FEATURE_BLOCK_BYTES // row_bytes)
    rows = max(1, rows // TILE * TILE or rows)
    first = first_equals(leading, lambda start, stop: images(np.arange(start, stop)), step=rows)
    order = groups = distinct = None
    if first is not None:
        distinct, inverse = np.unique(first, return_inverse=True)
        order = np.argsort(inverse, kind="stable")
        groups = inverse[order]

    def score(start: int, stop: int) -> Tensor:
        places = np.arange(start, stop) if distinct is None else distinct[start:stop]
        return columns.scores(model, torch.from_numpy(images(places)).to(device))

    return ScoreBlocks(score, count, device, rows, order, groups)


def stored_scores(rows: Features) -> ScoreBlocks:
    """Scores [n, m] that were computed as the images were encoded."""
    unit_rows = max(1, BLOCK_BYTES // (4 * max(1, rows.shape[1])))
    return ScoreBlocks(lambda start, stop: torch.from_numpy(rows[start:stop]), len(rows), "cpu", unit_rows)


def predict(blocks: ScoreBlocks, problem: Problem, scoring: Scoring, unit: ScoreUnit) -> Prediction:
    """Keep what a scoring's metrics read of the scores of all images and texts.

    Raises:
        NotFinite: a score is NaN or infinite.
    """
    with torch.inference_mode():
        if scoring == "matrix":
            return Prediction(unit=unit, scores=blocks.restored(_matrix(blocks, problem.relevant.shape)))
        if scoring == "row_ranks":
            return _row_prediction(blocks, problem.relevant, unit)
        row_ranks, column_ranks = two_way_ranks(blocks, problem.relevant)
        return Prediction(unit=unit, row_ranks=row_ranks, column_ranks=column_ranks)


def two_way_ranks(blocks: ScoreBlocks, relevant: Relevance) -> tuple[Ranks, Ranks]:
    """Ranks of the best right text of every image [n] and of the best right image of every text [m].

    Two passes compute the same blocks: the first finds the scores of the right pairs and the row
    ranks, the second counts, column by column, the scores that reach the best right one.
    """
    n, m = relevant.shape
    relevant = blocks.arranged(relevant)
    row_ranks = np.zeros(n, dtype=np.int64)
    pair_scores = np.empty(len(relevant.images), dtype=np.float32)
    kept: Tensor | None = None
    for start, stop, block in blocks:
        span = relevant.span(start, stop)
        row_ranks[start:stop], pair_scores[span] = _block_row_ranks(block, relevant, start, span)
        kept = block if blocks.single else None
    best = np.full(m, -np.inf, dtype=np.float32)
    np.maximum.at(best, relevant.texts, pair_scores)
    threshold = torch.from_numpy(best).to(blocks.device)
    reached = torch.zeros(m, dtype=torch.int64, device=blocks.device)
    for block in [kept] if kept is not None else (block for _, _, block in blocks):
        reached += torch.count_nonzero(block >= threshold, dim=0)
    right = np.bincount(relevant.texts[pair_scores >= best[relevant.texts]], minlength=m)
    column_ranks = reached.cpu().numpy() - right + 1
    unasked = relevant.column_counts == 0
    changed = int(np.count_nonzero(column_ranks[~unasked] < 1))
    if changed:
        raise Unrepeatable(
            f"{changed} texts score otherwise when their images are scored again; a model's score must be a "
            "function of the two features alone"
        )
    column_ranks[unasked] = 0
    return blocks.restored(row_ranks), column_ranks


def _row_prediction(blocks: ScoreBlocks, relevant: Relevance, unit: ScoreUnit) -> Prediction:
    n, m = relevant.shape
    relevant = blocks.arranged(relevant)
    kept = min(BEST_KEPT, m)
    ranks = np.zeros(n, dtype=np.int64)
    best = np.zeros((n, kept), dtype=np.int64)
    best_scores = np.zeros((n, kept), dtype=np.float32)
    right_scores = np.full(n, -np.inf, dtype=np.float32)
    sums = np.zeros((2, n), dtype=np.float32)
    for start, stop, block in blocks:
        span = relevant.span(start, stop)
        ranks[start:stop], pairs = _block_row_ranks(block, relevant, start, span)
        np.maximum.at(right_scores, relevant.images[span], pairs)
        top = torch.topk(block, kept, dim=1)
        below = block.float() - top.values[:, :1].float()
        for power, row in enumerate(sums, start=1):
            row[start:stop] = torch.logsumexp(power * below, dim=1).cpu().numpy()
        best[start:stop] = top.indices.cpu().numpy()
        best_scores[start:stop] = top.values.cpu().numpy()
    return Prediction(
        unit=unit,
        row_ranks=blocks.restored(ranks),
        best=blocks.restored(best),
        best_scores=blocks.restored(best_scores),
        right_scores=blocks.restored(right_scores),
        log_sums=blocks.restored(sums[0]),
        log_square_sums=blocks.restored(sums[1]),
    )


def _block_row_ranks(
    block: Tensor, relevant: Relevance, start: int, span: slice
) -> tuple[Ranks, NDArray[np.float32]]:
    """Ranks of a block's rows, and the scores of its right pairs."""
    rows = torch.from_numpy(relevant.images[span] - start).to(block.device)
    columns = torch.from_numpy(relevant.texts[span]).to(block.device)
    pairs = block[rows, columns]
    best = torch.full((block.shape[0],), -torch.inf, device=block.device, dtype=block.dtype)
    best.scatter_reduce_(0, rows, pairs, reduce="amax")
    reached = torch.count_nonzero(block >= best[:, None], dim=1)
    right = torch.zeros_like(reached).scatter_add_(0, rows, (pairs >= best[rows]).to(reached.dtype))
    ranks = reached - right + 1
    ranks[torch.isinf(best)] = 0
    return ranks.cpu().numpy(), pairs.float().cpu().numpy()


def _matrix(blocks: ScoreBlocks, shape: tuple[int, int]) -> NDArray[np.float32]:
    scores = np.empty(shape, dtype=np.float32)
    for start, stop, block in blocks:
        scores[start:stop] = block.float().cpu().numpy()
    return scores
