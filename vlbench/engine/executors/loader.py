"""Batches of decoded images; threads read and digest ahead while the model computes."""

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
from vlbench.core.errors import DataError, LacksMemory, NoPixels, Unsupported
from vlbench.core.image import decoding_remarks, key_of, part_of
from vlbench.engine.chunk import Chunk

if TYPE_CHECKING:
    from PIL.Image import Image

Asked = TypeVar("Asked")
Read = TypeVar("Read")
Preprocess = Callable[["Image"], Tensor]
Stored = Callable[[int, str], bool]
"""A function of an image's position and key: whether all that is wanted of this image is stored."""

BATCHES_AHEAD = 3


@dataclass(slots=True)
class Batch:
    """Positions of images in their data set, and pixels [size, 3, h, w], whose first rows are these images.

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
    """An image that was read. It is opened if it is wanted.

    `pixels` [3, h, w] follow once the model is loaded.
    """

    chunk: Chunk
    row: int
    key: str
    opened: "Image | None" = None
    pixels: Tensor | None = None
    remarks: tuple[str, ...] = ()


@contextmanager
def naming(example: Example, data: str) -> Iterator[None]:
    """Name the image and its data set in errors that occur while the image is opened and decoded.

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
    """Call `read` on each of `asked` in threads, and yield the answers in order.

    At most `ahead` of them wait. Threads suffice, since Pillow and torchvision release the interpreter lock:
    nothing is pickled, errors keep their type, and no process is forked besides torch's own threads.
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
    """Reads each image once and digests it; decodes it only if something is wanted of it that is not stored.

    `preprocess` is the model's, None until the model is loaded. `load` loads it at the first image to decode.
    """

    stored: Stored
    preprocess: Callable[[], Preprocess | None]
    load: Callable[[], Preprocess]
    batch_size: int
    workers: int
    pin: bool

    def batches(self, chunks: Iterable[Chunk]) -> Generator[Batch]:
        """Batches of exactly `batch_size` rows in the order of the chunks.

        The last one of a chunk is padded with zeros. No batch spans two chunks. A chunk without an image to
        decode yields one batch without pixels. Images with equal bytes are decoded once.
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
                    if pixels.shape != batch.pixels.shape[1:]:
                        raise Unsupported(
                            f"image {chunk.examples[each.row].id} of {chunk.data}: its pixels are "
                            f"{tuple(pixels.shape)} and those before {tuple(batch.pixels.shape[1:])}; "
                            "preprocess has to bring all to one size"
                        )
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
        with naming(example, chunk.data), torch.inference_mode():  # inference mode is set per thread
            image = example.image()
            key = known or key_of(image, example)
            if self.stored(place, key):
                return _Loaded(chunk, row, key)
            preprocess = self.preprocess()
            pixels = None if preprocess is None else preprocess(part_of(image, example.box))
            return _Loaded(chunk, row, key, image, pixels, decoding_remarks(image))
