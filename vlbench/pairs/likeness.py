"""Likeness: images of a pool that are copies, or near copies, of other images."""

from collections.abc import Mapping, Sequence
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
    """What near copies are: of at least this cosine, and of at most so many differing bits of 64."""

    cosine: float = 0.9
    bits: int = 12


@dataclass(frozen=True, slots=True)
class Likeness:
    """An image of a pool, by its place, that is like the image `other` of a task, or of the pool itself.

    A copy has the same bytes; cosine and bits are of a near copy.
    """

    pair: int
    other: str
    of: str
    how: str
    cosine: float | None = None
    bits: int | None = None


def copies(digests: Sequence[str], others: Mapping[str, str], of: str) -> list[Likeness]:
    """The images of a pool, by digest, that are among others: their ids by digest.

    >>> copies(["a", "b"], {"b": "7.jpg"}, "pets")[0].other
    '7.jpg'
    """
    return [
        Likeness(pair, others[digest], of, "copy") for pair, digest in enumerate(digests) if digest in others
    ]


def repeated(digests: Sequence[str], dataset: Dataset) -> list[Likeness]:
    """The images of a pool that are copies of earlier ones."""
    first: dict[str, int] = {}
    found = []
    for pair, digest in enumerate(digests):
        before = first.setdefault(digest, pair)
        if before != pair:
            found.append(Likeness(pair, dataset[before].id, dataset.name, "copy"))
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
    """Images by place: their data set, and the vector of each."""

    dataset: Dataset
    vectors: Rows


def near(
    pool: Images,
    pairs: NDArray[np.int64],
    others: Images,
    close: Closeness,
    *,
    device: str,
    of: str,
    places: NDArray[np.int64] | None = None,
) -> list[Likeness]:
    """The pairs, ascending, whose image is a near copy of one of the others, each with the nearest.

    `of` names the others; `places` are those of them that count, all where it is None. A pool's own image
    counts where it comes before the pair. Fingerprints are made of those alone that the cosine leaves.

    Raises:
        DataError: an image does not decode, or a vector is zero.
    """
    columns = np.arange(len(others.dataset)) if places is None else places
    itself = others.dataset is pool.dataset
    marks = [_Marks(each.dataset) for each in (pool, others)]
    found: dict[int, tuple[int, float, int]] = {}
    for top in range(0, len(pairs), _ROWS):
        own = pairs[top : top + _ROWS]
        rows = directions(pool.vectors.at(own), pool.vectors.name, 0, device)
        for left in range(0, len(columns), _COLUMNS):
            theirs = columns[left : left + _COLUMNS]
            if itself and theirs[0] >= own[-1]:
                break
            cosines = products(rows, directions(others.vectors.at(theirs), others.vectors.name, 0, device))
            alike = (cosines >= close.cosine).nonzero().cpu().numpy()
            pair, other = own[alike[:, 0]], theirs[alike[:, 1]]
            kept = other < pair if itself else np.ones(len(pair), dtype=np.bool_)
            bits = differing_bits(marks[0].of(pair[kept]), marks[1].of(other[kept]))
            cosine = cosines.cpu().numpy()[alike[:, 0], alike[:, 1]][kept]
            for each in np.flatnonzero(bits <= close.bits).tolist():
                said = int(bits[each]), -float(cosine[each]), int(other[kept][each])
                place = int(pair[kept][each])
                found[place] = min(said, found.get(place, said))
    return [
        Likeness(place, others.dataset[other].id, of, "near copy", -cosine, bits)
        for place, (bits, cosine, other) in sorted(found.items())
    ]
