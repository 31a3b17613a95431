"""One pass over the images of a data set: read, digest, and encode for every sink that needs them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Never

from tqdm import tqdm

from vlbench.core.contracts import Dataset, Target
from vlbench.engine.chunk import Chunk, Reduction
from vlbench.engine.executors.local import LocalExecutor
from vlbench.engine.feature_store import FeatureSpace

BATCHES_A_CHUNK = 16
"""How many batches a chunk holds; no batch spans two chunks."""
_NO_TRUTH = Target()


@dataclass(frozen=True, slots=True)
class Sink:
    """A store for images of a data set, the reduction that it takes, and of which positions (None: all)."""

    reduction: Reduction
    space: FeatureSpace
    places: frozenset[int] | None = None

    def lacks(self, place: int, key: str) -> bool:
        """Whether the image at this position is wanted here and not stored."""
        return key not in self.space and (self.places is None or place in self.places)


@dataclass(slots=True)
class Done:
    """What a pass did: keys [n] of all images that were read, how many were encoded, remarks by key."""

    keys: list[str] = field(default_factory=list)
    encoded: int = 0
    remarks: dict[str, tuple[str, ...]] = field(default_factory=dict)


def encode_images(
    executor: LocalExecutor,
    dataset: Dataset,
    keys: Sequence[str] | None,
    sinks: Sequence[Sink],
    done: Done,
) -> None:
    """Encode the images that some sink lacks; progress is recorded in `done`.

    `keys` are the keys of all images. None means that they are not known; then every image is read.

    Raises:
        DataError: an image does not decode.
        NotFinite: the model answers NaN or infinity.
    """
    lacking = lacking_places(len(dataset), keys, sinks)

    def stored(place: int, key: str) -> bool:
        return not any(each.lacks(place, key) for each in sinks)

    progress: tqdm[Never] = tqdm(
        total=len(lacking), unit="img", desc="images", disable=None, smoothing=0.05, leave=None
    )
    with progress:
        chunks = _chunks(dataset, lacking, keys, sinks, BATCHES_A_CHUNK * executor.batch_size)
        for encoded in executor.encode_images(chunks, stored):
            done.keys.extend(encoded.read)
            done.encoded += len(encoded.keys)
            done.remarks.update(encoded.remarks)
            rows = list(zip(encoded.places, encoded.keys, strict=True))
            for each, features in zip(sinks, encoded.arrays, strict=bool(rows)):
                mine = [row for row, image in enumerate(rows) if each.lacks(*image)]
                if len(mine) == len(rows):
                    each.space.append(encoded.keys, features, dataset.name)
                elif mine:
                    each.space.append([encoded.keys[row] for row in mine], features[mine], dataset.name)
            progress.update(len(encoded.read if keys is None else encoded.keys))


def lacking_places(count: int, keys: Sequence[str] | None, sinks: Sequence[Sink]) -> Sequence[int]:
    """The positions of images that some sink lacks; all of them where keys are not known."""
    if keys is None:
        return range(count)
    return [place for place, key in enumerate(keys) if any(each.lacks(place, key) for each in sinks)]


def _chunks(
    dataset: Dataset, lacking: Sequence[int], keys: Sequence[str] | None, sinks: Sequence[Sink], size: int
) -> Iterator[Chunk]:
    """Chunks over all images of a data set in order, without chunks in which nothing is lacking."""
    reductions = tuple(each.reduction for each in sinks)
    for start in sorted({place // size * size for place in lacking}):
        places = range(start, min(start + size, len(dataset)))
        examples = tuple(replace(dataset[place], target=_NO_TRUTH) for place in places)
        known = ("",) * len(places) if keys is None else tuple(keys[start : places.stop])
        yield Chunk(dataset.name, start, examples, known, reductions)
