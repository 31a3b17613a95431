"""One pass over the images of a data set: read, digested, and encoded for all that is wanted of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Never

from tqdm import tqdm

from vlbench.core.contracts import Dataset, Target
from vlbench.engine.chunk import Chunk, Reduction
from vlbench.engine.executors.local import LocalExecutor
from vlbench.engine.feature_store import FeatureSpace
from vlbench.engine.settings import RunSettings

BATCHES_A_CHUNK = 16
"""Batches of images in a chunk; a chunk ends a batch."""
_NO_TRUTH = Target()


@dataclass(frozen=True, slots=True)
class Sink:
    """A store for images of a data set, how they are reduced for it, and at which places; None: all."""

    reduction: Reduction
    space: FeatureSpace
    places: frozenset[int] | None = None

    def lacks(self, place: int, key: str) -> bool:
        """Whether it is wanted of the image at a place, and not stored."""
        return key not in self.space and (self.places is None or place in self.places)


@dataclass(slots=True)
class Done:
    """What a pass did: the keys [n] of all images that were read, how many were encoded, remarks by key."""

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
    """Encode images of which something is wanted that is not stored; `done` takes what is done as it is.

    `keys` are those of all images; None where they are not known: then every image is read. Of a share only
    the images of its chunks are read, and `done` has their keys alone.

    Raises:
        DataError: an image does not decode.
        NotFinite: the model answers NaN or infinity.
    """
    size, share = chunk_size(executor.settings), executor.settings.share
    lacking = lacking_places(len(dataset), keys, sinks)
    if share is not None:
        lacking = [place for place in lacking if share.has(place // size)]

    def stored(place: int, key: str) -> bool:
        return not any(each.lacks(place, key) for each in sinks)

    progress: tqdm[Never] = tqdm(
        total=len(lacking), unit="img", desc="images", disable=None, smoothing=0.05, leave=None
    )
    with progress:
        chunks = _chunks(dataset, lacking, keys, sinks, size)
        for encoded in executor.encode_images(chunks, stored):
            done.keys.extend(encoded.read)
            done.encoded += len(encoded.keys)
            done.remarks.update(encoded.remarks)
            rows = list(zip(encoded.places, encoded.keys, strict=True))
            for each, features in zip(sinks, encoded.arrays, strict=bool(rows)):
                mine = [row for row, image in enumerate(rows) if each.lacks(*image)]
                if len(mine) == len(rows):
                    each.space.append(encoded.keys, features)
                elif mine:
                    each.space.append([encoded.keys[row] for row in mine], features[mine])
            progress.update(len(encoded.read if keys is None else encoded.keys))


def chunk_size(settings: RunSettings) -> int:
    """Images in a chunk, which follow from the settings alone: every share cuts them alike."""
    return BATCHES_A_CHUNK * settings.first_batch_size


def lacking_places(count: int, keys: Sequence[str] | None, sinks: Sequence[Sink]) -> Sequence[int]:
    """The places of images of which something is wanted that is not stored: all, where keys are not known."""
    if keys is None:
        return range(count)
    return [place for place, key in enumerate(keys) if any(each.lacks(place, key) for each in sinks)]


def _chunks(
    dataset: Dataset, lacking: Sequence[int], keys: Sequence[str] | None, sinks: Sequence[Sink], size: int
) -> Iterator[Chunk]:
    """Chunks over all images of a data set, in its order, but for those where nothing is lacking."""
    reductions = tuple(each.reduction for each in sinks)
    for start in sorted({place // size * size for place in lacking}):
        places = range(start, min(start + size, len(dataset)))
        examples = tuple(replace(dataset[place], target=_NO_TRUTH) for place in places)
        known = ("",) * len(places) if keys is None else tuple(keys[start : places.stop])
        yield Chunk(dataset.name, start, examples, known, reductions)
