"""Item: what a matching asks at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Item:
    """What is asked at once of a few images and texts: which of them belong together.

    `images` are positions in the data set, shared by any number of items. `right` are pairs of a position in
    `images` and one in `texts`: (0, 1) says that the second text is true of the first image. `labels` are
    what the item is counted by beside all: its pattern, its relation, its set.
    """

    id: str
    images: tuple[int, ...]
    texts: tuple[str, ...]
    right: tuple[tuple[int, int], ...]
    labels: Mapping[str, str] = field(default_factory=dict)
