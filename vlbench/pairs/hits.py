"""Hits: which pairs of a pool the prompts found, on which side, and how near."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vlbench.engine.chunk import Features
from vlbench.pairs.nearest import Nearest

Side = Literal["image", "text"]
SIDES: tuple[Side, ...] = ("image", "text")
"""What prompts are compared with: the images of a pool (text to image), or its captions (text to text)."""


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """Each hit [h]: its prompt, its side (a place in SIDES), its pair, its rank from 0, and the cosine.

    They are sorted by prompt, then by side, then by rank.
    """

    prompt: NDArray[np.int64]
    side: NDArray[np.int64]
    rank: NDArray[np.int64]
    pair: NDArray[np.int64]
    cosine: Features

    def __len__(self) -> int:
        return len(self.prompt)

    def where(self, kept: NDArray[np.bool_] | NDArray[np.int64]) -> "Hits":
        """The hits that are kept."""
        return Hits(self.prompt[kept], self.side[kept], self.rank[kept], self.pair[kept], self.cosine[kept])

    def without(self, pairs: NDArray[np.int64]) -> "Hits":
        """The hits of all but some pairs."""
        return self.where(~np.isin(self.pair, pairs))


def hits_of(found: Nearest, side: Side, owners: NDArray[np.int64] | None, floor: float | None) -> Hits:
    """The hits of prompts on one side. `owners` are the pairs of rows that are captions.

    A pair that a prompt finds by several captions is hit by the nearest. Hits below the `floor` are left out.

    >>> found = Nearest(np.array([[4, 3, 0]]), np.array([[0.9, 0.8, 0.1]], dtype=np.float32))
    >>> hits_of(found, "text", np.array([0, 0, 1, 1, 1]), 0.5).pair.tolist()
    [1]
    """
    prompts, k = found.places.shape
    pair = found.places.ravel() if owners is None else owners[found.places.ravel()]
    prompt, rank = np.repeat(np.arange(prompts), k), np.tile(np.arange(k), prompts)
    whole = Hits(prompt, np.full(prompts * k, SIDES.index(side)), rank, pair, found.cosines.ravel())
    if owners is not None and len(whole):
        _, first = np.unique(prompt * (pair.max() + 1) + pair, return_index=True)
        whole = whole.where(np.sort(first))
    return whole if floor is None else whole.where(whole.cosine >= floor)


def joined(sides: list[Hits]) -> Hits:
    """The hits of several sides, prompt by prompt."""
    whole = Hits(*(np.concatenate([getattr(each, name) for each in sides]) for name in Hits.__slots__))
    return whole.where(np.argsort(whole.prompt, kind="stable"))


@dataclass(frozen=True, slots=True, eq=False)
class ClassPairs:
    """The pairs [p] that a class found, in the order of their first hits, and these hits."""

    name: str
    pairs: NDArray[np.int64]
    hits: Hits


def pairs_by_class(
    hits: Hits, classes: tuple[str, ...], of_class: NDArray[np.int64], most: int | None = None
) -> tuple[ClassPairs, ...]:
    """The union of each class's hits by pair; of more than `most` pairs, those that rank highest.

    Ranks of both sides count alike; of equal ranks, the higher cosine and then the first pair is taken.
    """
    labels = of_class[hits.prompt]
    ends = np.searchsorted(labels, np.arange(len(classes) + 1))
    found = []
    for label, name in enumerate(classes):
        own = hits.where(np.arange(ends[label], ends[label + 1]))
        pairs, first = np.unique(own.pair, return_index=True)
        pairs = pairs[np.argsort(first, kind="stable")]
        if most is not None and len(pairs) > most:
            best = np.lexsort((own.pair, -own.cosine, own.rank))
            _, first = np.unique(own.pair[best], return_index=True)
            kept = own.pair[best][np.sort(first)[:most]]
            pairs = pairs[np.isin(pairs, kept)]
            own = own.where(np.isin(own.pair, kept))
        found.append(ClassPairs(name, pairs, own))
    return tuple(found)
