"""Pools: pairs of an image and its captions, and the vectors of both."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Dataset
from vlbench.core.errors import DataError
from vlbench.pairs.rows import Rows


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Pairs [n] of a data set: vectors of its images [n, d] and of its captions [c, d], and the pair of each.

    `captions` has no row where captions are not searched.
    """

    dataset: Dataset
    images: Rows
    captions: Rows
    owners: NDArray[np.int64]


def captions_of(dataset: Dataset) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The captions [c] of a data set in its order, and the image of each.

    Raises:
        DataError: there are none.
    """
    captions: list[str] = []
    owners: list[int] = []
    for place, example in enumerate(dataset.examples):
        captions += example.target.captions
        owners += [place] * len(example.target.captions)
    if not captions:
        raise DataError(f"{dataset.name} has no captions{dataset.reading.told}; name a pool with captions")
    return tuple(captions), np.array(owners, dtype=np.int64)
