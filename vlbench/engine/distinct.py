"""Rows of equal bytes are scored once: so equal texts and equal images tie, whatever a kernel rounds."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlbench.core.contracts import Model
from vlbench.engine.feature_store import Features

Indices = NDArray[np.int64]

TILE = 16
"""Texts are scored in multiples of it, the last one repeated behind them: odd numbers slow a kernel down."""
_LEADING = 8
"""Bytes of a row that are compared before the whole row is."""


def first_equals(read: Callable[[int, int], Features], count: int, *, step: int) -> Indices | None:
    """The first row that each of `count` rows equals to the byte, [n]; None where no two rows are equal.

    Rows start to stop are read by `read`, `step` at a time: once all for their first bytes, and again those
    blocks that hold rows whose first bytes are equal.
    """
    leading = np.zeros(count, dtype=np.int64)
    blocks = [(start, min(start + step, count)) for start in range(0, count, step)]
    for start, stop in blocks:
        rows = _bytes(read(start, stop))[:, :_LEADING]
        leading[start:stop].view(np.uint8).reshape(-1, _LEADING)[:, : rows.shape[1]] = rows
    order = np.argsort(leading, kind="stable")
    alike = np.zeros(count, dtype=np.bool_)
    neighbours = leading[order[1:]] == leading[order[:-1]]
    alike[order[1:][neighbours]] = alike[order[:-1][neighbours]] = True
    if not alike.any():
        return None
    first = np.arange(count)
    seen: dict[bytes, int] = {}
    for start, stop in blocks:
        places = start + np.flatnonzero(alike[start:stop])
        rows = _bytes(read(start, stop)) if len(places) else np.empty((0, 0), np.uint8)
        for place in places.tolist():
            digest = blake2b(rows[place - start].data, digest_size=16).digest()
            first[place] = seen.setdefault(digest, place)
    return first if len(np.unique(first)) < count else None


def _bytes(rows: Features) -> NDArray[np.uint8]:
    return np.ascontiguousarray(rows).reshape(len(rows), -1).view(np.uint8)


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
        first = first_equals(lambda start, stop: texts[start:stop], len(texts), step=max(1, len(texts)))
        if first is not None:
            kept, inverse = np.unique(first, return_inverse=True)
            places = torch.from_numpy(inverse.astype(np.int64)).to(device)
        distinct = texts if first is None else texts[kept]
        missing = -len(distinct) % TILE if len(distinct) else 0
        if missing:
            distinct = np.concatenate([distinct, np.repeat(distinct[-1:], missing, axis=0)])
        return cls(torch.from_numpy(distinct).to(device), places, len(texts))

    def scores(self, model: Model, images: Tensor) -> Tensor:
        """Scores [b, m] of image features [b, ...]."""
        found = model.score(images, self.asked)
        return found[:, : self.count] if self.places is None else found.index_select(1, self.places)
