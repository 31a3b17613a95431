"""Rows of equal bytes are scored once: so equal texts and equal images tie, whatever a kernel rounds."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlbench.engine.chunk import Features
from vlbench.engine.feature_store import leading_bytes

Indices = NDArray[np.int64]

TILE = 16
"""Texts are scored in multiples of it, the last one repeated behind them: odd numbers slow a kernel down."""


def first_equals(leading: Indices, read: Callable[[int, int], Features], *, step: int) -> Indices | None:
    """The first row that each of n rows equals to the byte, [n]; None where no two rows are equal.

    `leading` [n] are the first bytes of every row. `read` gives whole rows start to stop, `step` at a time;
    it is asked for those blocks alone that hold rows whose first bytes are equal.
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
        rows = np.ascontiguousarray(read(start, stop)).reshape(stop - start, -1).view(np.uint8)
        for place in places.tolist():
            digest = blake2b(rows[place - start].data, digest_size=16).digest()
            first[place] = seen.setdefault(digest, place)
    return first if len(np.unique(first)) < count else None


@dataclass(frozen=True, slots=True)
class Columns:
    """Texts as a model is asked for them: each distinct one once, in a number that kernels like.

    `asked` are rows [u, ...] on the device, `places` [m] the column of each text, None where it is its own.
    """

    asked: Tensor
    places: Tensor | None
    count: int

    @classmethod
    def of(cls, texts: Features, device: str) -> "Columns":
        """Columns of text features [m, ...]."""
        places = None
        first = first_equals(
            leading_bytes(texts), lambda start, stop: texts[start:stop], step=max(1, len(texts))
        )
        if first is not None:
            kept, inverse = np.unique(first, return_inverse=True)
            places = torch.from_numpy(inverse.astype(np.int64)).to(device)
        distinct = texts if first is None else texts[kept]
        missing = -len(distinct) % TILE if len(distinct) else 0
        if missing:
            distinct = np.concatenate([distinct, np.repeat(distinct[-1:], missing, axis=0)])
        return cls(torch.from_numpy(distinct).to(device), places, len(texts))

    def scores(self, score: Callable[[Tensor, Tensor], Tensor], images: Tensor) -> Tensor:
        """Scores [b, m] of image features [b, ...], by a function of both sides."""
        found = score(images, self.asked)
        return found[:, : self.count] if self.places is None else found.index_select(1, self.places)
