"""Images of a source opened and decoded, to see whether they can be."""

from collections.abc import Sequence
from dataclasses import dataclass

from vlbench.core.broken_image import BROKEN_IMAGE
from vlbench.core.contracts import Source
from vlbench.core.errors import DataError


@dataclass(frozen=True, slots=True)
class Sample:
    """How many images were opened, and of each broken one its id and what is wrong with it."""

    count: int
    broken: tuple[str, ...]


def open_sample(source: Source, positions: Sequence[int]) -> Sample:
    """Decode the images at some positions to RGB."""
    broken = []
    for position in positions:
        example = source[position]
        try:
            example.image().convert("RGB")
        except DataError as error:
            broken.append(f"{example.id}: {error}")
        except BROKEN_IMAGE as error:
            broken.append(f"{example.id} does not decode ({error}); replace the file")
    return Sample(len(positions), tuple(broken))
