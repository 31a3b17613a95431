"""Item: the unit of a matching task, a few images and texts and which of them belong together."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Item:
    """A few images and texts. A matching task asks which of them belong together.

    `images` are positions in the data set; several items may share an image. `right` holds pairs of a
    position in `images` and one in `texts`: (0, 1) states that the second text is true of the first image.
    `labels` assigns the item to groups for further metrics: patterns, relations or sets.

    >>> Item("7", images=(7,), texts=("a dog", "a cat"), right=((0, 0),)).texts[0]
    'a dog'
    """

    id: str
    images: tuple[int, ...]
    texts: tuple[str, ...]
    right: tuple[tuple[int, int], ...]
    labels: Mapping[str, str] = field(default_factory=dict)
