"""Scores in blocks, reduced to what the metrics read; the full matrix is never held for retrieval."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlbench.core.contracts import Model, Prediction, Problem, ScoreUnit, Scoring
from vlbench.core.errors import NotFinite
from vlbench.core.relevance import Relevance
from vlbench.engine.feature_store import Features

BLOCK_BYTES = 8 * 2**20
"""Bytes of one block of scores; fixed, so that every run computes the same blocks."""
FEATURE_BLOCK_BYTES = 64 * 2**20
"""Bytes of the image features that one block is made of, at most."""
BEST_KEPT = 5
"""Best texts kept of each image."""

Ranks = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ScoreBlocks:
    """Row blocks [rows, m] of the score matrix, computed anew at every pass with equal bits.

    `score` turns rows start to stop into scores; `count` is the number of images.
    """

    score: Callable[[int, int], Tensor]
    count: int
    device: str
    unit_rows: int

    def __iter__(self) -> Iterator[tuple[int, int, Tensor]]:
        for start in range(0, self.count, self.unit_rows):
            stop = min(start + self.unit_rows, self.count)
            block = self.score(start, stop)
            # one NaN or a +inf beside a -inf makes the sum NaN; a lone infinity stays infinite
            if not bool(torch.isfinite(block.sum())):
                raise NotFinite(
                    f"scores of images {start} to {stop} hold NaN or infinity; check weights or precision"
                )
            yield start, stop, block

    @property
    def single(self) -> bool:
        """Whether one block is all."""
        return self.count <= self.unit_rows


def fresh_scores(
    model: Model, images: Callable[[int, int], Features], count: int, *, texts: Features, device: str
) -> ScoreBlocks:
    """Scores of `count` images, whose features [rows, ...] are read block by block, and texts [m, ...]."""
    on_device = torch.from_numpy(texts).to(device)
    row_bytes = images(0, 1).nbytes if count else 1
    rows = min(BLOCK_BYTES // (4 * max(1, len(texts))), FEATURE_BLOCK_BYTES // row_bytes)

    def score(start: int, stop: int) -> Tensor:
        return model.score(torch.from_numpy(images(start, stop)).to(device), on_device)

    return ScoreBlocks(score, count, device, max(1, rows))


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
            return Prediction(unit=unit, scores=_matrix(blocks, problem.relevant.shape))
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
    column_ranks[relevant.column_counts == 0] = 0
    return row_ranks, column_ranks


def _row_prediction(blocks: ScoreBlocks, relevant: Relevance, unit: ScoreUnit) -> Prediction:
    n, m = relevant.shape
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
        for power, row in enumerate(sums, start=1):
            row[start:stop] = torch.logsumexp(power * block.float(), dim=1).cpu().numpy()
        top = torch.topk(block, kept, dim=1)
        best[start:stop] = top.indices.cpu().numpy()
        best_scores[start:stop] = top.values.cpu().numpy()
    return Prediction(
        unit=unit,
        row_ranks=ranks,
        best=best,
        best_scores=best_scores,
        right_scores=right_scores,
        log_sums=sums[0],
        log_square_sums=sums[1],
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
