"""Rows: vectors of a pool, in memory or mapped from files, read block by block."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlbench.engine.chunk import Features


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Vectors [n, d] in parts, one behind the other; `name` says what they are of.

    >>> rows = Rows("two files", (np.eye(2), 2 * np.eye(2)))
    >>> len(rows), rows.at(np.array([3, 0])).tolist()
    (4, [[0.0, 2.0], [1.0, 0.0]])
    """

    name: str
    parts: tuple[NDArray[Any], ...]

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    @property
    def width(self) -> int:
        """The numbers of a vector, d; 0 without a part."""
        return int(self.parts[0].shape[1]) if self.parts else 0

    def blocks(self, size: int) -> Iterator[tuple[int, Features]]:
        """At most `size` rows after the other, each block behind the place of its first row."""
        place = 0
        for part in self.parts:
            for start in range(0, len(part), size):
                block = part[start : start + size]
                yield place + start, np.array(block, dtype=np.float32)
            place += len(part)

    def at(self, places: NDArray[np.int64]) -> Features:
        """The rows at some places, [p, d]."""
        found = np.empty((len(places), self.width), dtype=np.float32)
        first = 0
        for part in self.parts:
            here = (places >= first) & (places < first + len(part))
            found[here] = part[places[here] - first]
            first += len(part)
        return found
