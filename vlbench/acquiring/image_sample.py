"""Opens and decodes some images of a data set, to see whether they are intact."""

from collections.abc import Sequence
from dataclasses import dataclass

from vlbench.core.broken_image import BROKEN_IMAGE
from vlbench.core.contracts import Dataset
from vlbench.core.errors import DataError
from vlbench.core.image import decoding_remarks, decoding_text, part_of


@dataclass(frozen=True, slots=True)
class OpenedImages:
    """How many images were opened, the id and error of each broken one, and what decoding changed."""

    count: int
    broken: tuple[str, ...]
    decoding: str


def open_sample(source: Dataset, positions: Sequence[int]) -> OpenedImages:
    """Decode the images at some positions to RGB."""
    broken = []
    remarks = []
    for position in positions:
        example = source[position]
        try:
            image = example.image()
            remarks.append((example.id, decoding_remarks(image)))
            part_of(image, example.box).convert("RGB")
        except DataError as error:
            broken.append(f"{example.id}: {error}")
        except BROKEN_IMAGE as error:
            broken.append(f"{example.id} does not decode ({error}); replace the file")
    return OpenedImages(len(positions), tuple(broken), decoding_text(remarks))
