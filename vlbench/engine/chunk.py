"""What an executor is handed and what it answers: chunks of images, never their truth; imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Example, Target

Features = NDArray[np.float32]
How = Literal["features", "vectors", "scores"]
NO_TRUTH = Target()
"""In the place of what is true of an image, which no executor is told."""


@dataclass(frozen=True, slots=True, eq=False)
class Reduction:
    """What comes back of images' features: they themselves, their vectors, or their scores with `texts`."""

    how: How
    texts: Features | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Images that follow one another in a data set, the first at `start`, and what is wanted of each.

    `keys` are those of the images, empty where they are not known. `data` is the data set's name, for errors.
    """

    data: str
    start: int
    examples: tuple[Example, ...]
    keys: tuple[str, ...]
    reductions: tuple[Reduction, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """What was made of the images at some places: of each reduction an array [b, ...].

    `read` are the keys of all images since the last answer, those that were passed over too. `remarks` are
    on how images were decoded, by their keys.
    """

    read: tuple[str, ...]
    places: tuple[int, ...] = ()
    keys: tuple[str, ...] = ()
    arrays: tuple[Features, ...] = ()
    remarks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
