"""Batches of decoded images, read and digested ahead in threads while the model computes."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

from vlbench.core.broken_image import BROKEN_IMAGE
from vlbench.core.contracts import Example
from vlbench.core.errors import DataError, LacksMemory, NoPixels
from vlbench.core.image import decoding_remarks, key_of, part_of
from vlbench.engine.chunk import Chunk

if TYPE_CHECKING:
    from PIL.Image import Image

Asked = TypeVar("Asked")
Read = TypeVar("Read")
Preprocess = Callable[["Image"], Tensor]
Stored = Callable[[int, str], bool]
"""Whether all that is wanted of the image at a place is stored under its key."""

BATCHES_AHEAD = 3


@dataclass(slots=True)
class Batch:
    """Places of images in their data set, and pixels [size, 3, h, w] of which the first rows are theirs.

    `read`, `keys` and `remarks` are those of `Encoded`.
    """

    chunk: Chunk
    pixels: Tensor | None = None
    read: list[str] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    remarks: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """An image that was read: opened where it is wanted, `pixels` [3, h, w] once the model said how."""

    chunk: Chunk
    row: int
    key: str
    opened: "Image | None" = None
    pixels: Tensor | None = None
    remarks: tuple[str, ...] = ()


@contextmanager
def naming(example: Example, data: str) -> Iterator[None]:
    """Name an image of a data set in what goes wrong while it is opened and decoded.

    Raises:
        DataError: it does not decode, or nothing is left of it.
        LacksMemory: it needs more memory than there is.
    """
    try:
        yield
    except NoPixels as error:
        raise DataError(f"{data}: image {example.id}: {error}") from error
    except MemoryError as error:
        raise LacksMemory(
            f"{data}: image {example.id}: too little memory to decode it; pass fewer --workers or a smaller "
            "--batch-size, or leave it out"
        ) from error
    except BROKEN_IMAGE as error:
        raise DataError(
            f"{data}: image {example.id} does not decode ({error}); replace the file or remove it"
        ) from error


def read_ahead(
    read: Callable[[Asked], Read], asked: Iterable[Asked], *, workers: int, ahead: int
) -> Generator[Read]:
    """What is read of each that is asked for, in their order; `ahead` of it wait at most.

    Threads read: Pillow and torchvision release the interpreter lock, so nothing is pickled, an error keeps
    its type, and no process is forked beside torch's own threads.
    """
    if workers == 0:
        yield from map(read, asked)
        return
    waiting: deque[Future[Read]] = deque()
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="vlbench-loader")
    try:
        for each in asked:
            waiting.append(pool.submit(read, each))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class Loader:
    """Reads images once: digests each, and decodes those of which something is wanted that is not stored.

    `preprocess` is the model's, None before it is loaded; `load` loads it, at the first image that is wanted.
    """

    stored: Stored
    preprocess: Callable[[], Preprocess | None]
    load: Callable[[], Preprocess]
    batch_size: int
    workers: int
    pin: bool

    def batches(self, chunks: Iterable[Chunk]) -> Generator[Batch]:
        """Batches of exactly `batch_size` rows in the order of the chunks, zeros behind the last of each.

        A chunk ends its batch; of one without an image that is wanted comes a batch without pixels. Images
        of equal bytes are wanted once.
        """
        taken: set[str] = set()
        batch: Batch | None = None
        coming = ((chunk, row) for chunk in chunks for row in range(len(chunk.examples)))
        ahead = (BATCHES_AHEAD + 1) * self.batch_size
        with closing(read_ahead(self._read, coming, workers=self.workers, ahead=ahead)) as loaded:
            for each in loaded:
                chunk, batch = each.chunk, batch or Batch(each.chunk)
                batch.read.append(each.key)
                if each.opened is not None and each.key not in taken:
                    taken.add(each.key)
                    pixels = each.pixels
                    if pixels is None:  # it was read before the model was loaded
                        preprocess, example = self.load(), chunk.examples[each.row]
                        with naming(example, chunk.data), torch.inference_mode():
                            pixels = preprocess(part_of(each.opened, example.box))
                    if batch.pixels is None:
                        shape = (self.batch_size, *pixels.shape)
                        batch.pixels = torch.zeros(shape, dtype=pixels.dtype, pin_memory=self.pin)
                    batch.pixels[len(batch.places)] = pixels
                    batch.places.append(chunk.start + each.row)
                    batch.keys.append(each.key)
                    if each.remarks:
                        batch.remarks[each.key] = each.remarks
                if len(batch.places) == self.batch_size or each.row == len(chunk.examples) - 1:
                    yield batch
                    batch = None

    def _read(self, asked: tuple[Chunk, int]) -> _Loaded:
        chunk, row = asked
        example, place, known = chunk.examples[row], chunk.start + row, chunk.keys[row]
        if known and self.stored(place, known):
            return _Loaded(chunk, row, known)
        with naming(example, chunk.data), torch.inference_mode():  # a mode is of one thread
            image = example.image()
            key = known or key_of(image, example)
            if self.stored(place, key):
                return _Loaded(chunk, row, key)
            preprocess = self.preprocess()
            pixels = None if preprocess is None else preprocess(part_of(image, example.box))
            return _Loaded(chunk, row, key, image, pixels, decoding_remarks(image))
