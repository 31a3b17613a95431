"""What goes to an executor and what comes back: chunks of images, without their targets. Imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Example, Target
from vlbench.core.errors import DataError

Features = NDArray[np.float32]
How = Literal["features", "vectors", "scores"]
NO_TRUTH = Target()
"""In the place of what is true of an image, which no executor is told."""


@dataclass(frozen=True, slots=True, eq=False)
class Reduction:
    """What is stored of an image: its features, their vectors, or their scores with `texts`."""

    how: How
    texts: Features | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive images of a data set, the first at position `start`, and the reductions wanted of each.

    `keys` are the keys of the images, empty where they are not known. `data` is the data set's name, for
    errors. `tolerant` goes on past images that do not decode.
    """

    data: str
    start: int
    examples: tuple[Example, ...]
    keys: tuple[str, ...]
    reductions: tuple[Reduction, ...]
    tolerant: bool = False


@dataclass(frozen=True, slots=True)
class Encoded:
    """The results for the images at some positions: for each reduction an array [b, ...].

    `read` holds the keys of all images read since the last answer, including those that were skipped.
    `remarks` are on how images were decoded, by key; `broken` tells by position why one of a tolerant chunk
    was not.
    """

    read: tuple[str, ...]
    places: tuple[int, ...] = ()
    keys: tuple[str, ...] = ()
    arrays: tuple[Features, ...] = ()
    remarks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    broken: Mapping[int, DataError] = field(default_factory=dict)
