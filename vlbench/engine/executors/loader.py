"""Batches of decoded images, read and digested ahead in threads while the model computes."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vlbench.core.broken_image import BROKEN_IMAGE
from vlbench.core.contracts import Example
from vlbench.core.errors import DataError, NoPixels
from vlbench.core.image import decoding_remarks, key_of, part_of
from vlbench.engine.chunk import Chunk

if TYPE_CHECKING:
    from PIL.Image import Image

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

    key: str
    opened: "Image | None" = None
    pixels: Tensor | None = None
    remarks: tuple[str, ...] = ()


@contextmanager
def naming(example: Example, data: str) -> Iterator[None]:
    """Name an image of a data set in what goes wrong while it is opened and decoded.

    Raises:
        DataError: it does not decode, or nothing is left of it.
    """
    try:
        yield
    except NoPixels as error:
        raise DataError(f"{data}: image {example.id}: {error}") from error
    except BROKEN_IMAGE as error:
        raise DataError(
            f"{data}: image {example.id} does not decode ({error}); replace the file or remove it"
        ) from error


@dataclass(frozen=True, slots=True)
class Loader:
    """Reads images once: digests each, and decodes those of which something is wanted that is not stored.

    `preprocess` is the model's, None before it is loaded; `load` loads it, at the first image that is wanted.
    Threads decode: Pillow and torchvision release the interpreter lock, so nothing is pickled, an error keeps
    its type, and no process is forked beside torch's own threads.
    """

    preprocess: Callable[[], Preprocess | None]
    load: Callable[[], Preprocess]
    batch_size: int
    workers: int
    pin: bool

    def batches(self, chunks: Iterable[Chunk], stored: Stored) -> Generator[Batch]:
        """Batches of exactly `batch_size` rows in the order of the chunks, zeros behind the last of each.

        A chunk ends its batch; of one without an image that is wanted comes a batch without pixels. Images
        of equal bytes are wanted once.
        """
        taken: set[str] = set()
        ahead = (BATCHES_AHEAD + 1) * self.batch_size if self.workers else 0
        waiting: deque[tuple[Chunk, int, Future[_Loaded]]] = deque()
        batch: Batch | None = None
        pool = ThreadPoolExecutor(max_workers=max(1, self.workers), thread_name_prefix="vlbench-loader")
        try:
            coming = ((chunk, row) for chunk in chunks for row in range(len(chunk.examples)))
            asked = next(coming, None)
            while asked or waiting:
                if asked:
                    read = partial(self._read, *asked, stored)
                    waiting.append((*asked, pool.submit(read) if self.workers else _done(read)))
                    asked = next(coming, None)
                    if asked and len(waiting) <= ahead:
                        continue
                chunk, row, future = waiting.popleft()
                batch = batch or Batch(chunk)
                loaded = future.result()
                batch.read.append(loaded.key)
                if loaded.opened is not None and loaded.key not in taken:
                    taken.add(loaded.key)
                    self._add(batch, row, loaded, loaded.opened)
                if len(batch.places) == self.batch_size or row == len(chunk.examples) - 1:
                    yield batch
                    batch = None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _read(self, chunk: Chunk, row: int, stored: Stored) -> _Loaded:
        example, place, known = chunk.examples[row], chunk.start + row, chunk.keys[row]
        if known and stored(place, known):
            return _Loaded(known)
        with naming(example, chunk.data), torch.inference_mode():  # a mode is of one thread
            image = example.image()
            key = known or key_of(image, example)
            if stored(place, key):
                return _Loaded(key)
            preprocess = self.preprocess()
            pixels = None if preprocess is None else preprocess(part_of(image, example.box))
            return _Loaded(key, image, pixels, decoding_remarks(image))

    def _add(self, batch: Batch, row: int, loaded: _Loaded, opened: "Image") -> None:
        """Put an image into a batch; one that came before the model was loaded is decoded now."""
        pixels, example = loaded.pixels, batch.chunk.examples[row]
        if pixels is None:
            preprocess = self.load()
            with naming(example, batch.chunk.data), torch.inference_mode():
                pixels = preprocess(part_of(opened, example.box))
        if batch.pixels is None:
            shape = (self.batch_size, *pixels.shape)
            batch.pixels = torch.zeros(shape, dtype=pixels.dtype, pin_memory=self.pin)
        batch.pixels[len(batch.places)] = pixels
        batch.places.append(batch.chunk.start + row)
        batch.keys.append(loaded.key)
        if loaded.remarks:
            batch.remarks[loaded.key] = loaded.remarks


def _done(read: Callable[[], _Loaded]) -> "Future[_Loaded]":
    """What is read at once, as a future."""
    future: Future[_Loaded] = Future()
    future.set_result(read())
    return future
