"""Fingerprints of pictures: 64 bits that a resized or recompressed copy keeps but for a few.

The difference hash: whether each of 8 x 8 spots is darker than its right neighbour. Source: N. Krawetz, "Kind
of Like That", hackerfactor.com, 2013.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Dataset, Example
from vlbench.core.image import READERS, part_of

if TYPE_CHECKING:
    from PIL.Image import Image

_SPOTS = (9, 8)
"""Columns and rows of the grey picture whose neighbours are compared."""


def fingerprint(image: "Image") -> NDArray[np.uint8]:
    """The fingerprint of a picture, 8 bytes.

    >>> from PIL.Image import linear_gradient
    >>> fingerprint(linear_gradient("L").rotate(90)).tolist()
    [255, 255, 255, 255, 255, 255, 255, 255]
    """
    from PIL.Image import Resampling

    grey = np.asarray(image.convert("RGB").convert("L").resize(_SPOTS, Resampling.BOX), dtype=np.int16)
    return np.packbits(grey[:, :-1] < grey[:, 1:])


def fingerprints(dataset: Dataset, places: Iterable[int]) -> NDArray[np.uint8]:
    """The fingerprints of the images at some places, [p, 8], read by several threads.

    Raises:
        DataError: an image does not decode.
    """
    with ThreadPoolExecutor(READERS) as pool:
        found = list(pool.map(_of_example, map(dataset.__getitem__, places)))
    return np.array(found, dtype=np.uint8).reshape(-1, 8)


def differing_bits(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many bits of fingerprints [p, 8] and [p, 8] differ, [p]."""
    counts: NDArray[np.int64] = np.unpackbits(one ^ other, axis=1).sum(axis=1, dtype=np.int64)
    return counts


def _of_example(example: Example) -> NDArray[np.uint8]:
    return fingerprint(part_of(example.image(), example.box))
