"""A pass over the images of a data set: what is wanted of them, where it goes, and how far it is."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from vlbench.core.contracts import Dataset, Example
from vlbench.core.errors import VlbenchError
from vlbench.core.share import Share
from vlbench.engine.chunk import NO_TRUTH, Chunk, Encoded, Reduction
from vlbench.engine.feature_store import FeatureSpace


@dataclass(frozen=True, slots=True)
class Sink:
    """A store for images of a data set, how they are reduced for it, and at which places; None: all."""

    reduction: Reduction
    space: FeatureSpace
    places: frozenset[int] | None = None

    def lacking(self, images: Iterable[tuple[int, str]]) -> list[int]:
        """The places of those images, each a place and its key, that are wanted and not stored."""
        stored, places = self.space.keys, self.places
        return [place for place, key in images if key not in stored and (places is None or place in places)]


@dataclass(slots=True)
class Done:
    """What a pass did: the keys [n] of all images that were read, how many were encoded, remarks by key.

    `error` is why it ended before its end, where other passes went on.
    """

    keys: list[str] = field(default_factory=list)
    encoded: int = 0
    remarks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    error: VlbenchError | None = None


@dataclass(frozen=True, slots=True)
class ImagePass:
    """One pass over a data set, cut into chunks of `size` images; those of a `share`, or all.

    `keys` are those of all images; None where they are not known: then every image is read. A `tolerant` one
    goes on past images that do not decode.
    """

    dataset: Dataset
    keys: Sequence[str] | None
    sinks: Sequence[Sink]
    size: int
    share: Share | None = None
    done: Done = field(default_factory=Done)
    tolerant: bool = False

    def wanted(self, images: Sequence[tuple[int, str]]) -> set[int]:
        """The places of those images, each a place and its key, of which some sink lacks something."""
        return set[int]().union(*(each.lacking(images) for each in self.sinks))

    def stored(self, place: int, key: str) -> bool:
        """Whether all that is wanted of the image at a place is stored under its key."""
        return not self.wanted([(place, key)])

    @property
    def count(self) -> int:
        """How many images there are, of the share alone."""
        count = len(self.dataset)
        return count if self.share is None else sum(1 for _ in self.share.places(count, self.size))

    def lacking(self) -> Sequence[int]:
        """The places of images of which something is wanted that is not stored, of the share alone.

        All, where keys are not known.
        """
        keys, share = self.keys, self.share
        places: Sequence[int] = range(len(self.dataset))
        if keys is not None:
            places = sorted(self.wanted(list(enumerate(keys))))
        return places if share is None else [place for place in places if share.has(place // self.size)]

    def chunks(self) -> Iterator[Chunk]:
        """Chunks over all images, in their order, but for those where nothing is lacking."""
        reductions = tuple(each.reduction for each in self.sinks)
        for start in sorted({place // self.size * self.size for place in self.lacking()}):
            places = range(start, min(start + self.size, len(self.dataset)))
            examples = tuple(_without_truth(self.dataset[place]) for place in places)
            known = ("",) * len(places) if self.keys is None else tuple(self.keys[start : places.stop])
            yield Chunk(self.dataset.name, start, examples, known, reductions, self.tolerant)

    def take(self, encoded: Encoded) -> int:
        """Store what is made of some images, but for what is stored; the images that are done by it."""
        done = self.done
        done.keys.extend(encoded.read)
        done.remarks.update(encoded.remarks)
        images = list(zip(encoded.places, encoded.keys, strict=True))
        fresh: set[int] = set()
        for each, features in zip(self.sinks, encoded.arrays, strict=bool(images)):
            lacking = set(each.lacking(images))
            fresh |= lacking
            mine = [row for row, place in enumerate(encoded.places) if place in lacking]
            if len(mine) == len(images):
                each.space.append(encoded.keys, features, self.dataset.name)
            elif mine:
                each.space.append([encoded.keys[row] for row in mine], features[mine], self.dataset.name)
        done.encoded += len(fresh)
        return len(encoded.read if self.keys is None else encoded.keys)


def _without_truth(example: Example) -> Example:
    # `replace` takes four times as long, for each image of a driver of many workers
    return Example(example.id, example.image, NO_TRUTH, example.state, example.key, example.box)
