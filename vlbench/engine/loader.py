"""Batches of decoded images, loaded ahead in threads while the model computes."""

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from vlbench.core.broken_image import BROKEN_IMAGE
from vlbench.core.contracts import Dataset, Model
from vlbench.core.errors import DataError, NoPixels

BATCHES_AHEAD = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """Positions of images in their source, and pixels [size, 3, h, w] of which the first rows are theirs."""

    positions: Sequence[int]
    pixels: Tensor


def load_image(model: Model, source: Dataset, position: int) -> Tensor:
    """One image, decoded and preprocessed, [3, h, w].

    Raises:
        DataError: it does not decode, or nothing is left of it; its id is named.
    """
    example = source[position]
    try:
        image = example.image()
        return model.preprocess(image)
    except NoPixels as error:
        raise DataError(f"{source.name}: image {example.id}: {error}") from error
    except BROKEN_IMAGE as error:
        raise DataError(
            f"{source.name}: image {example.id} does not decode ({error}); replace the file or remove it"
        ) from error


def load_batches(
    model: Model, source: Dataset, positions: Sequence[int], *, batch_size: int, workers: int, pin: bool
) -> Generator[Batch]:
    """Batches of exactly batch_size rows in the order of positions; the last is padded with zeros.

    Threads decode: Pillow and torchvision release the interpreter lock, so nothing is pickled, an
    error keeps its type, and no process is forked beside torch's own threads.
    """
    chunks = [positions[i : i + batch_size] for i in range(0, len(positions), batch_size)]
    if not chunks:
        return
    first = load_image(model, source, chunks[0][0])

    def fill(pixels: Tensor, row: int, position: int) -> None:
        with torch.inference_mode():  # a mode is of one thread
            # the first was decoded above for its shape
            pixels[row] = first if position == chunks[0][0] else load_image(model, source, position)

    if workers == 0:
        for chunk in chunks:
            pixels = torch.zeros((batch_size, *first.shape), dtype=first.dtype, pin_memory=pin)
            for row, position in enumerate(chunk):
                fill(pixels, row, position)
            yield Batch(chunk, pixels)
        return
    waiting: deque[tuple[Batch, list[Future[None]]]] = deque()
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="vlbench-loader")
    try:
        for chunk in [*chunks, *([()] * BATCHES_AHEAD)]:
            if chunk:
                pixels = torch.zeros((batch_size, *first.shape), dtype=first.dtype, pin_memory=pin)
                jobs = [pool.submit(fill, pixels, row, position) for row, position in enumerate(chunk)]
                waiting.append((Batch(chunk, pixels), jobs))
            if waiting and (not chunk or len(waiting) > BATCHES_AHEAD):
                batch, jobs = waiting.popleft()
                for job in jobs:
                    job.result()
                yield batch
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
