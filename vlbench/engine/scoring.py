"""Scores in blocks or pair by pair, which a scoring reduces to what the metrics read.

Rows with equal bytes are scored once, so equal texts and equal images tie, however a kernel rounds.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.errors import NotFinite, PluginError
from vlbench.core.problem import Problem
from vlbench.core.relevance import Relevance
from vlbench.core.scoring import Scoring
from vlbench.engine.chunk import Features
from vlbench.engine.feature_store import leading_bytes

BLOCK_BYTES = 8 * 2**20
"""Bytes of one block of scores. It is fixed, so that every run computes the same blocks."""
FEATURE_BLOCK_BYTES = 64 * 2**20
"""At most this many bytes of the candidates' features go into one block."""
PAIRS = 4096
"""How many pairs are scored together."""

TILE = 16
"""Texts are scored in multiples of this number, padded with the last one: odd numbers slow a kernel down."""

Indices = NDArray[np.int64]
Number = TypeVar("Number", bound=np.generic)
Score = Callable[[Tensor, Tensor], Tensor]
"""A function from the features of both sides to scores: [b, m] for all pairs, or [p] for one pair per row."""


def first_equals(leading: Indices, read: Callable[[slice], Features], *, step: int) -> Indices | None:
    """For each of n rows the first row with equal bytes, [n]; None where no two rows are equal.

    `leading` [n] holds the first bytes of every row. `read` returns the whole rows of a slice of at most
    `step` rows; it is called only for slices that have rows with equal first bytes.
    """
    count = len(leading)
    order = np.argsort(leading, kind="stable")
    alike = np.zeros(count, dtype=np.bool_)
    neighbours = leading[order[1:]] == leading[order[:-1]]
    alike[order[1:][neighbours]] = alike[order[:-1][neighbours]] = True
    if not alike.any():
        return None
    first = np.arange(count)
    seen: dict[bytes, int] = {}
    for start in range(0, count, step):
        stop = min(start + step, count)
        places = start + np.flatnonzero(alike[start:stop])
        if not len(places):
            continue
        rows = np.ascontiguousarray(read(slice(start, stop))).reshape(stop - start, -1).view(np.uint8)
        for place in places.tolist():
            digest = blake2b(rows[place - start].data, digest_size=16).digest()
            first[place] = seen.setdefault(digest, place)
    return first if len(np.unique(first)) < count else None


@dataclass(frozen=True, slots=True)
class Columns:
    """Texts as a model scores them: each distinct one once, padded to a number that suits kernels.

    `asked` are rows [u, ...] on the device. `places` [m] is the column of each text; None where texts are
    columns in order.
    """

    asked: Tensor
    places: Tensor | None
    count: int

    @classmethod
    def of(cls, texts: Features, device: str) -> "Columns":
        distinct, places = texts, None
        first = first_equals(leading_bytes(texts), texts.__getitem__, step=max(1, len(texts)))
        if first is not None:
            kept, inverse = np.unique(first, return_inverse=True)
            distinct, places = texts[kept], torch.from_numpy(inverse.astype(np.int64)).to(device)
        missing = -len(distinct) % TILE if len(distinct) else 0
        if missing:
            distinct = np.concatenate([distinct, np.repeat(distinct[-1:], missing, axis=0)])
        return cls(torch.from_numpy(distinct).to(device), places, len(texts))

    def scores(self, score: Callable[[Tensor, Tensor], Tensor], images: Tensor) -> Tensor:
        """Score image features [b, ...] with a function of both sides: [b, m]."""
        found = score(images, self.asked)
        return found[:, : self.count] if self.places is None else found.index_select(1, self.places)


@dataclass(frozen=True, slots=True)
class ScoreBlocks:
    """Row blocks [rows, m] of the score matrix, computed again at every pass with equal bits.

    `score(start, stop)` scores distinct candidates start to stop. `order` [n] is the order of the candidates
    in the blocks, equal ones next to one another, and `groups` [n] is the distinct candidate of each; both
    are None where all are distinct and in their own order. `problem` states which pairs are asked about.
    `score_pairs` scores pairs by position, at most `unit_pairs` at once. `vectors` are the candidates'.
    `features` of each side tell which items are equal. `cut` is that of `ScorePass`.
    """

    score: Callable[[int, int], Tensor]
    problem: Problem
    device: str
    unit_rows: int
    score_pairs: Callable[[Indices, Indices], Tensor]
    order: Indices | None = None
    groups: Indices | None = None
    unit_pairs: int = PAIRS
    vectors: Callable[[], Features] = lambda: np.empty((0, 0), dtype=np.float32)
    features: Mapping[str, Callable[[], Features]] = field(default_factory=dict)
    cut: Callable[[], NDArray[np.bool_]] = lambda: np.empty(0, dtype=np.bool_)

    def __iter__(self) -> Iterator[tuple[int, int, Tensor]]:
        asked = self.problem.asked
        pairs = None if asked is None else self.arranged(asked.pairs)
        count = len(self.problem.candidates)
        distinct = count if self.groups is None else int(self.groups[-1]) + 1
        for first in range(0, distinct, self.unit_rows):
            last = min(first + self.unit_rows, distinct)
            block = scores = self.score(first, last)
            low, high = first, last
            if self.groups is not None:
                low, high = np.searchsorted(self.groups, [first, last]).tolist()
            for start in range(low, high, self.unit_rows):
                stop = min(start + self.unit_rows, high)
                if self.groups is not None:
                    members = torch.from_numpy(self.groups[start:stop] - first).to(scores.device)
                    block = scores.index_select(0, members)
                # one NaN or a +inf beside a -inf makes the sum NaN; a lone infinity stays infinite
                if not bool(torch.isfinite(block.sum())):
                    raise NotFinite(
                        f"scores of images {start} to {stop} hold NaN or infinity; check weights or precision"
                    )
                if asked is not None and pairs is not None:
                    block = _masked(block, asked.how, pairs, start, stop)
                yield start, stop, block

    @property
    def single(self) -> bool:
        return len(self.problem.candidates) <= self.unit_rows

    def arranged(self, relevant: Relevance) -> Relevance:
        """The pairs with candidates renumbered into the blocks' order."""
        if self.order is None:
            return relevant
        places = np.empty_like(self.order)
        places[self.order] = np.arange(len(self.order))
        return Relevance.from_pairs(places[relevant.candidates], relevant.queries, relevant.shape)

    def restored(self, values: NDArray[Number]) -> NDArray[Number]:
        """Values of the candidates [n, ...], brought from the blocks' order into their own."""
        if self.order is None:
            return values
        own = np.empty_like(values)
        own[self.order] = values
        return own

    def alike(self, side: Literal["candidates", "queries"]) -> Indices:
        """For each candidate or query, the position of the first one with equal features."""
        rows = self.features[side]()
        found = first_equals(leading_bytes(rows), rows.__getitem__, step=max(1, len(rows)))
        return np.arange(len(rows)) if found is None else found

    def pairs(self, asked: Relevance) -> NDArray[np.float32]:
        """The scores [p] of some pairs, without the others."""
        found = np.empty(len(asked.candidates), dtype=np.float32)
        for start in range(0, len(found), self.unit_pairs):
            span = slice(start, start + self.unit_pairs)
            found[span] = self.score_pairs(asked.candidates[span], asked.queries[span]).float().cpu().numpy()
        if not np.isfinite(found).all():
            raise NotFinite("scores of pairs hold NaN or infinity; check weights or precision")
        return found


def fresh_scores(
    score: Score,
    candidates: Callable[[Indices], Features],
    leading: Indices,
    *,
    texts: Features,
    problem: Problem,
    device: str,
    score_pairs: Score | None = None,
) -> ScoreBlocks:
    """Scores of n candidates, whose features [rows, ...] are read block by block, with texts [m, ...].

    `leading` [n] holds the first bytes of each candidate's features. Candidates and texts with equal features
    are scored once, so they tie to the bit. `score_pairs` scores one pair per row; without it, each candidate
    is scored with the texts that it is asked about.
    """
    columns = Columns.of(texts, device)
    row_bytes = candidates(np.arange(1)).nbytes if len(leading) else 1
    rows = min(BLOCK_BYTES // (4 * max(1, len(texts))), FEATURE_BLOCK_BYTES // row_bytes)
    rows = max(1, rows // TILE * TILE or rows)
    first = first_equals(leading, lambda some: candidates(np.arange(some.start, some.stop)), step=rows)
    order = groups = distinct = None
    if first is not None:
        distinct, inverse = np.unique(first, return_inverse=True)
        order = np.argsort(inverse, kind="stable")
        groups = inverse[order]

    def block(start: int, stop: int) -> Tensor:
        places = np.arange(start, stop) if distinct is None else distinct[start:stop]
        return columns.scores(score, torch.from_numpy(candidates(places)).to(device))

    def of_pairs(rows: Indices, queries: Indices) -> Tensor:
        """The scores [p] of pairs: candidates [p] with queries [p]."""
        # equal candidates and equal texts are one, so that their pairs tie to the bit
        own = rows if first is None else first[rows]
        if columns.places is not None:
            queries = columns.places.cpu().numpy()[queries]
        pairs, inverse = np.unique(np.stack([own, queries]), axis=1, return_inverse=True)
        kept, of_kept = np.unique(pairs[0], return_inverse=True)
        images = torch.from_numpy(candidates(kept)).to(device)
        asked = columns.asked[torch.from_numpy(pairs[1]).to(device)]
        if score_pairs is not None:
            found = score_pairs(images[torch.from_numpy(of_kept).to(device)], asked)
        else:
            own_texts = torch.split(asked, np.bincount(of_kept).tolist())
            own_scores = [score(*sides)[0] for sides in zip(torch.split(images, 1), own_texts, strict=True)]
            found = torch.cat(own_scores)
        return found[torch.from_numpy(inverse.reshape(-1)).to(device)]

    unit_pairs = max(1, min(PAIRS, FEATURE_BLOCK_BYTES // row_bytes))
    return ScoreBlocks(block, problem, device, rows, of_pairs, order, groups, unit_pairs)


def vector_scores(candidates: Features, queries: Features, *, problem: Problem, device: str) -> ScoreBlocks:
    """Cosines of the candidates' vectors [n, d] and the queries' [m, d]."""
    units, texts = _unit(candidates), _unit(queries)
    return fresh_scores(
        _products,
        lambda places: units[places],
        leading_bytes(units),
        texts=texts,
        problem=problem,
        device=device,
        score_pairs=lambda rows, columns: (rows * columns).sum(dim=1),
    )


def stored_scores(rows: Features, problem: Problem) -> ScoreBlocks:
    """Scores [n, m] that are computed already."""
    unit_rows = max(1, BLOCK_BYTES // (4 * max(1, rows.shape[1])))
    return ScoreBlocks(
        lambda start, stop: torch.from_numpy(rows[start:stop]),
        problem,
        "cpu",
        unit_rows,
        lambda candidates, queries: torch.from_numpy(rows[candidates, queries]),
    )


def predict(blocks: ScoreBlocks, problem: Problem, scoring: Scoring, unit: ScoreUnit) -> Prediction:
    """Run a scoring over the scores of all candidates and queries, and keep its arrays.

    Raises:
        NotFinite: a score is NaN or infinite.
        PluginError: the scoring returns other arrays than it states.
    """
    with torch.inference_mode():
        arrays = dict(scoring.run(blocks, problem))
    if arrays.keys() != scoring.keeps:
        raise PluginError(
            f"scoring {scoring.name!r} says that it keeps {', '.join(sorted(scoring.keeps))} and keeps "
            f"{', '.join(sorted(arrays))}; mend its `keeps`"
        )
    return Prediction(unit, arrays)


def _masked(block: Tensor, how: Literal["only", "but"], pairs: Relevance, start: int, stop: int) -> Tensor:
    """A block in which every pair that is not asked about scores -inf."""
    span = pairs.span(start, stop)
    rows = torch.from_numpy(pairs.candidates[span] - start).to(block.device)
    columns = torch.from_numpy(pairs.queries[span]).to(block.device)
    masked = block.clone() if how == "but" else torch.full_like(block, -torch.inf)
    masked[rows, columns] = -torch.inf if how == "but" else block[rows, columns]
    return masked


def _products(rows: Tensor, columns: Tensor) -> Tensor:
    """Dot products [b, m] of rows [b, d] and [m, d], in whole tiles, so that each depends on its pair
    alone."""
    filled = [torch.nn.functional.pad(each, (0, 0, 0, -len(each) % TILE)) for each in (rows, columns)]
    return (filled[0] @ filled[1].T)[: len(rows), : len(columns)]


def _unit(rows: Features) -> Features:
    """Normalise vectors [n, d] to length 1; vectors of length 0 stay 0."""
    return np.asarray(torch.nn.functional.normalize(torch.from_numpy(rows), dim=1))
