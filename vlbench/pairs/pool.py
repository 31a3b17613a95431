"""Pools: pairs of an image and its captions, and the vectors of both."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Dataset
from vlbench.core.dataset import subset
from vlbench.core.errors import DataError
from vlbench.core.image import image_digests
from vlbench.pairs.rows import Rows


@dataclass(frozen=True, slots=True, eq=False)
class PairPool:
    """Pairs [n] of a data set, and vectors of its images [n, d] and of its captions [c, d].

    `owners` [c] are the pairs of captions; None where each pair has one. `captions` has no row where they are
    not searched. `reads` tells which images are read to find copies: those of hits where a pool is large, and
    none where the images are not here.
    """

    dataset: Dataset
    images: Rows
    captions: Rows
    owners: NDArray[np.int64] | None
    reads: Literal["whole", "hits", "nothing"] = "whole"

    def digests(self, hits: NDArray[np.int64], cache: Path) -> dict[int, str]:
        """The digests of the images that are read, by pair.

        Raises:
            DataError: an image cannot be read.
        """
        if self.reads == "nothing":
            return {}
        places = range(len(self.dataset)) if self.reads == "whole" else np.unique(hits).tolist()
        looked = self.dataset if self.reads == "whole" else subset(self.dataset, places)
        return dict(zip(places, image_digests(looked, cache), strict=True))


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
