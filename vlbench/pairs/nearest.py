"""The nearest rows of each query, exactly: every row is compared, block by block, on a device."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlbench.core.errors import DataError
from vlbench.engine.chunk import Features
from vlbench.models.shared.dual_encoder import products
from vlbench.pairs.rows import Rows

ROWS, QUERIES = 2**15, 2**10
"""How many rows are compared with how many queries at once: 128 MB of cosines."""


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """The places of the nearest rows of each query, best first, and their cosines, [q, k]."""

    places: NDArray[np.int64]
    cosines: Features


def nearest(queries: Features, rows: Rows, k: int, *, device: str = "cpu") -> Nearest:
    """The k rows with the highest cosine for each query [q, d]; among equal ones the first rows win.

    Fewer than k where there are fewer rows. Vectors may have any length.

    Raises:
        DataError: a vector is zero, NaN or infinite, or rows and queries differ in width.

    >>> found = nearest(np.eye(2, dtype=np.float32), Rows("three", (np.array([[1, 1], [0, 1], [0, 2]]),)), 2)
    >>> found.places.tolist()
    [[0, 1], [1, 2]]
    """
    if len(rows) and rows.width != queries.shape[1]:
        raise DataError(
            f"{rows.name}: vectors of {rows.width} numbers, and the model's have {queries.shape[1]}; "
            "name the model that made them"
        )
    with torch.inference_mode():
        asked = torch.split(directions(queries, "prompts", 0, device), QUERIES)
        best = [(each.new_empty((len(each), 0)), _no_places(each)) for each in asked]
        for start, block in rows.blocks(ROWS):
            columns = directions(block, rows.name, start, device)
            for at, part in enumerate(asked):
                cosines, places = _highest(products(part, columns), k)
                joined = torch.cat([best[at][0], cosines], dim=1)
                # a later row follows equal earlier ones, as the sort is stable
                order = joined.sort(dim=1, descending=True, stable=True).indices[:, :k]
                both = torch.cat([best[at][1], places + start], dim=1)
                best[at] = joined.gather(1, order), both.gather(1, order)
        highest, where = (torch.cat(side).cpu().numpy() for side in zip(*best, strict=True))
    return Nearest(where, highest)


def directions(vectors: Features, name: str, start: int, device: str) -> Tensor:
    """Vectors [b, d] on a device, of length 1; `name` and the place of the first are for the error.

    Raises:
        DataError: one is zero, NaN or infinite.
    """
    rows = torch.from_numpy(vectors).to(device)
    lengths = rows.norm(dim=-1, keepdim=True)
    sound = torch.isfinite(lengths) & (lengths > 0)
    if not sound.all():
        place = start + int((~sound).nonzero()[0, 0])
        raise DataError(f"{name}: vector {place} is zero, NaN or infinite; encode it again")
    found: Tensor = rows / lengths
    return found


def _no_places(part: Tensor) -> Tensor:
    return torch.empty((len(part), 0), dtype=torch.int64, device=part.device)


def _highest(cosines: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k highest cosines of each row [q, b] and their columns; of equal ones, the first comes first."""
    count = min(k, cosines.shape[1])
    values, places = cosines.topk(min(k + 1, cosines.shape[1]), dim=1)
    # which of equal ones are taken at the border is not defined: those rows are sorted whole
    torn = (values[:, count - 1] == values[:, -1]).nonzero()[:, 0] if values.shape[1] > count else ()
    values, places = values[:, :count], places[:, :count]
    if len(torn):
        whole = cosines[torn].sort(dim=1, descending=True, stable=True)
        values[torn], places[torn] = whole.values[:, :count], whole.indices[:, :count]
    places, order = places.sort(dim=1)
    values, order = values.gather(1, order).sort(dim=1, descending=True, stable=True)
    return values, places.gather(1, order)
