"""Scores in blocks, which a scoring reduces to what the metrics read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlbench.core.contracts import Model, Prediction, ScoreUnit
from vlbench.core.errors import NotFinite, PluginError
from vlbench.core.problem import Problem
from vlbench.core.relevance import Relevance
from vlbench.core.scoring import Scoring
from vlbench.engine.distinct import TILE, Columns, Indices, first_equals
from vlbench.engine.feature_store import Features

BLOCK_BYTES = 8 * 2**20
"""Bytes of one block of scores; fixed, so that every run computes the same blocks."""
FEATURE_BLOCK_BYTES = 64 * 2**20
"""Bytes of the image features that one block is made of, at most."""

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
        return Relevance.from_pairs(places[relevant.candidates], relevant.queries, relevant.shape)

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
        PluginError: the scoring keeps other arrays than it says.
    """
    with torch.inference_mode():
        arrays = dict(scoring.run(blocks, problem))
    if arrays.keys() != scoring.keeps:
        raise PluginError(
            f"scoring {scoring.name!r} says that it keeps {', '.join(sorted(scoring.keeps))} and keeps "
            f"{', '.join(sorted(arrays))}; mend its `keeps`"
        )
    return Prediction(unit, arrays)
