"""Item: the unit of a matching, a few images and texts and which of them belong together."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Item:
    """A few images and texts, of which a matching asks which belong together.

    `images` are positions in the data set; several items may share an image. `right` are pairs of a position
    in `images` and one in `texts`: (0, 1) says that the second text is true of the first image. `labels` put
    items into groups for further metrics: patterns, relations or sets.
    """

    id: str
    images: tuple[int, ...]
    texts: tuple[str, ...]
    right: tuple[tuple[int, int], ...]
    labels: Mapping[str, str] = field(default_factory=dict)
