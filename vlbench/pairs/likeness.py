"""Likeness: images of a pool that are copies, or near copies, of other images."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Dataset
from vlbench.models.shared.dual_encoder import products
from vlbench.pairs.fingerprint import differing_bits, fingerprints
from vlbench.pairs.nearest import directions
from vlbench.pairs.rows import Rows

_ROWS, _COLUMNS = 2**10, 2**11
"""How many images are compared with how many at once: all of them may be alike to a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closeness:
    """What near copies are: of at least this cosine, and of at most so many differing bits of 64.

    Where a pool's pictures are not here, the cosine `alone` decides.
    """

    cosine: float = 0.9
    bits: int = 12
    alone: float = 0.96


@dataclass(frozen=True, slots=True)
class Likeness:
    """An image of a pool, by its place, that is like the image `other` of a task, or of the pool itself.

    A copy has the same bytes; the cosine is that of a near copy, and so are the bits, if both were here.
    """

    pair: int
    other: str
    of: str
    how: str
    cosine: float | None = None
    bits: int | None = None


def copies(digests: Mapping[int, str], others: Mapping[str, str], of: str) -> list[Likeness]:
    """The images of a pool, digests by place, that are among others, ids by digest.

    >>> copies({3: "a", 5: "b"}, {"b": "7.jpg"}, "pets")[0].pair
    5
    """
    return [
        Likeness(pair, others[digest], of, "copy") for pair, digest in digests.items() if digest in others
    ]


def repeated(digests: Mapping[int, str], dataset: Dataset, of: str) -> list[Likeness]:
    """The images of a pool that are copies of earlier ones."""
    first: dict[str, int] = {}
    found = []
    for pair, digest in digests.items():
        before = first.setdefault(digest, pair)
        if before != pair:
            found.append(Likeness(pair, dataset[before].id, of, "copy"))
    return found


class _Marks:
    """The fingerprints of a data set's images, each made when it is first asked for."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._made = np.zeros((len(dataset), 8), dtype=np.uint8)
        self._known = np.zeros(len(dataset), dtype=np.bool_)

    def of(self, places: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The fingerprints at some places, [p, 8]."""
        missing = np.unique(places[~self._known[places]])
        self._made[missing] = fingerprints(self._dataset, missing.tolist())
        self._known[missing] = True
        return self._made[places]


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Images by place: their data set, the vector of each, and whether the pictures are here."""

    dataset: Dataset
    vectors: Rows
    here: bool = True


def near(
    pool: Images,
    pairs: NDArray[np.int64],
    others: Images,
    close: Closeness,
    *,
    device: str,
    of: str,
) -> list[Likeness]:
    """The pairs, ascending, whose image is a near copy of one of the others, each with the nearest.

    `of` names the others. Where they are the pool itself, those of the pairs count that come before. Only of
    what the cosine leaves are fingerprints made.

    Raises:
        DataError: an image does not decode, or a vector is zero.
    """
    itself = others is pool
    columns = pairs if itself else np.arange(len(others.dataset))
    marks = _Marks(pool.dataset)
    their_marks = marks if itself else _Marks(others.dataset)
    least = close.cosine if pool.here else close.alone
    found: dict[int, tuple[int, float, int]] = {}
    for top in range(0, len(pairs), _ROWS):
        own = pairs[top : top + _ROWS]
        rows = directions(pool.vectors.at(own), pool.vectors.name, 0, device)
        for left in range(0, len(columns), _COLUMNS):
            theirs = columns[left : left + _COLUMNS]
            if itself and theirs[0] >= own[-1]:
                break
            cosines = products(rows, directions(others.vectors.at(theirs), others.vectors.name, 0, device))
            alike = (cosines >= least).nonzero().cpu().numpy()
            pair, other = own[alike[:, 0]], theirs[alike[:, 1]]
            kept = other < pair if itself else np.ones(len(pair), dtype=np.bool_)
            bits = np.zeros(kept.sum(), dtype=np.int64)
            if pool.here:
                bits = differing_bits(marks.of(pair[kept]), their_marks.of(other[kept]))
            cosine = cosines.cpu().numpy()[alike[:, 0], alike[:, 1]][kept]
            for each in np.flatnonzero(bits <= close.bits).tolist():
                said = int(bits[each]), -float(cosine[each]), int(other[kept][each])
                place = int(pair[kept][each])
                found[place] = min(said, found.get(place, said))
    return [
        Likeness(place, others.dataset[other].id, of, "near copy", -cosine, bits if pool.here else None)
        for place, (bits, cosine, other) in sorted(found.items())
    ]
