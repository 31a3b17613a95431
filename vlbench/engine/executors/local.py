"""The default executor, in this process. Only this code runs a model, in batches of one shape."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial as bind
from typing import Literal, TypeVar

import numpy as np
import torch
from torch import Tensor

from vlbench.core.capabilities import Vectors
from vlbench.core.contracts import Dataset, Model, Text
from vlbench.core.errors import LacksMemory, NotFinite, PluginError, VlbenchError, without_frames
from vlbench.core.image import part_of
from vlbench.core.machine import enough_memory, is_out_of_memory
from vlbench.core.progress import progress_bar
from vlbench.engine.chunk import Chunk, Encoded, Features, Reduction
from vlbench.engine.executors.loader import Batch, Loader, Stored, naming
from vlbench.engine.image_pass import ImagePass
from vlbench.engine.scoring import Columns
from vlbench.engine.settings import RunSettings

T = TypeVar("T")

PROMPTS_A_CHUNK = 4096
"""How many prompts are encoded and stored together: enough to fill batches of equal token length."""


@dataclass(slots=True)
class LocalExecutor:
    """A model in this process, loaded when it is first needed, and its batch sizes.

    When the device runs out of memory, a batch size is halved for the rest of the run.
    """

    open: Callable[[], Model]
    settings: RunSettings
    batch_size: int = 0
    text_batch_size: int = 0
    loaded: Model | None = None
    load_seconds: float = 0.0
    _error: VlbenchError | None = None
    _columns: dict[Reduction, Columns] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.batch_size = self.batch_size or self.settings.first_batch_size
        self.text_batch_size = self.text_batch_size or self.settings.first_text_batch_size

    @property
    def model(self) -> Model:
        """The model; it is loaded now if it was not before.

        Raises:
            VlbenchError: it does not load, or did not before.
        """
        if self._error is not None:  # another job would read gigabytes to learn the same
            raise self._error
        if self.loaded is None:
            start = time.perf_counter()
            torch.manual_seed(self.settings.seed)
            try:
                with enough_memory("to load the model", "free some, or take a smaller model"):
                    self.loaded = self.open()
            except VlbenchError as error:
                self._error = without_frames(error)
                raise
            self.load_seconds = time.perf_counter() - start
        return self.loaded

    @property
    def rates(self) -> str:
        """How fast each of several workers is: there is one."""
        return ""

    def encode_passes(self, passes: Sequence[ImagePass]) -> Generator[tuple[ImagePass, Encoded]]:
        """Encode the images of one pass after another.

        Raises:
            DataError, NotFinite: see `encode_images`.
        """
        for each in passes:
            with closing(self.encode_images(each.chunks(), each.stored)) as made:
                for encoded in made:
                    yield each, encoded

    def encode_images(self, chunks: Iterable[Chunk], stored: Stored) -> Generator[Encoded]:
        """Read and digest images; decode and encode those of which something is wanted that is not stored.

        Raises:
            DataError: an image does not decode.
            NotFinite: the model answers NaN or infinity.
        """
        loader = Loader(
            stored,
            preprocess=lambda: None if self.loaded is None else self.loaded.preprocess,
            load=lambda: self.model.preprocess,
            batch_size=self.batch_size,
            workers=self.settings.workers,
            pin=self.settings.device.startswith("cuda"),
        )
        waiting: tuple[Batch, list[Tensor]] | None = None
        with closing(loader.batches(chunks)) as batches:
            for batch in batches:
                made = self._made(batch)
                if self.settings.on_cpu:
                    yield _encoded(batch, made)
                    continue
                # on a device the copy back waits for the next batch to be queued, so that it never idles
                if waiting is not None:
                    yield _encoded(*waiting)
                waiting = batch, made
        if waiting is not None:
            yield _encoded(*waiting)

    def encode_texts(self, texts: Sequence[Text]) -> Iterator[tuple[list[int], Features]]:
        """Encode texts chunk by chunk: yields the positions of a chunk's texts and their features.

        The texts of a chunk have equally many sentences. So the shape of a text's features, which may depend
        on their number, does not depend on the other texts.
        """
        with progress_bar("texts", sum(map(_prompts, texts)), "prompt", smoothing=0.05) as progress:
            for positions in _chunks(texts):
                chunk = [texts[i] for i in positions]
                with torch.inference_mode():
                    features = self.halving(bind(self.model.encode_texts, chunk), "text_batch_size")
                yield positions, to_numpy(features, "text")
                progress.update(sum(map(_prompts, chunk)))

    def dry_pass(self, dataset: Dataset, texts: Sequence[Text]) -> None:
        """Encode and score two images and two prompts, so that what cannot work fails within seconds.

        Raises:
            DataError: one of the images does not decode.
            NotFinite: the model answers NaN or infinity.
        """
        pixels = []
        with torch.inference_mode():
            for example in [dataset[i] for i in range(min(2, len(dataset)))]:
                with naming(example, dataset.name):
                    pixels.append(self.model.preprocess(part_of(example.image(), example.box)))
            images = self.model.encode_images(torch.stack(pixels).to(self.settings.device))
            few = [
                replace(text, prompts=text.prompts[:1], descriptions=text.descriptions[:1])
                for text in texts[:2]
            ]
            features = self.model.encode_texts(few, batch_size=2)
            to_numpy(images, "image")
            to_numpy(features, "text")
            to_numpy(self.model.score(images, features), "score")

    def vectors(self, features: Tensor) -> Tensor:
        """The vectors [b, d] of features of images or texts.

        Raises:
            PluginError: the checkpoint states the capability, and the model does not have it.
        """
        if not isinstance(self.model, Vectors):
            raise PluginError(
                f"{self.model.info.name} has no vectors, as its checkpoint says; mend the adapter"
            )
        return self.model.vectors(features)

    def _made(self, batch: Batch) -> list[Tensor]:
        """Encode a batch: a tensor [size, ...] for each reduction, on the device."""
        if batch.pixels is None:
            return []
        made = []
        with torch.inference_mode():
            features = self.halving(bind(self.encode_pixels, batch.pixels), "batch_size")
            for reduction in batch.chunk.reductions:
                if reduction.texts is not None:
                    if reduction not in self._columns:
                        self._columns[reduction] = Columns.of(reduction.texts, self.settings.device)
                    made.append(self._columns[reduction].scores(self.model.score, features))
                else:
                    made.append(self.vectors(features) if reduction.how == "vectors" else features)
        return made

    def encode_pixels(self, pixels: Tensor, batch_size: int) -> Tensor:
        parts = [
            self.model.encode_images(part.to(self.settings.device, non_blocking=True))
            for part in torch.split(pixels, batch_size)
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def halving(self, run: Callable[..., T], which: Literal["batch_size", "text_batch_size"]) -> T:
        """Call `run` with a batch size, and with smaller ones while the device runs out of memory.

        Raises:
            LacksMemory: it has too little for the size that the user chose, or for one item.
        """
        while True:
            size: int = getattr(self, which)
            try:
                return run(batch_size=size)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                chosen = which == "batch_size" and self.settings.batch_size is not None
                if chosen or size == 1:
                    what, advice = f"{size} items a batch", "pass --batch-size auto or a smaller number"
                    if size == 1:
                        what, advice = "a single item", "free some, or take a smaller model"
                    where = f"{self.settings.device} has too little memory for {what}"
                    raise LacksMemory(f"{where}; {advice}") from error
                setattr(self, which, size // 2)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()


def to_numpy(features: Tensor, side: str) -> Features:
    """Features on the CPU as float32.

    Raises:
        NotFinite: one of them is NaN or infinite.
    """
    array: Features = features.float().cpu().numpy()
    if not np.isfinite(array).all():
        raise NotFinite(
            f"the model's {side} features hold NaN or infinity; check the weights, or use --precision fp32"
        )
    return array


def _encoded(batch: Batch, made: Sequence[Tensor]) -> Encoded:
    arrays = tuple(to_numpy(each[: len(batch.places)], "image") for each in made)
    places, keys = tuple(batch.places), tuple(batch.keys)
    return Encoded(tuple(batch.read), places, keys, arrays, batch.remarks, batch.broken)


def _prompts(text: Text) -> int:
    return max(1, len(text.prompts or text.descriptions))


def _chunks(texts: Sequence[Text]) -> list[list[int]]:
    """The positions of the texts of each chunk."""
    alike: dict[tuple[int, int], list[int]] = {}
    for position, text in enumerate(texts):
        alike.setdefault((len(text.prompts), len(text.descriptions)), []).append(position)
    chunks: list[list[int]] = []
    for positions in alike.values():
        size = -(-PROMPTS_A_CHUNK // _prompts(texts[positions[0]]))
        chunks.extend(positions[start : start + size] for start in range(0, len(positions), size))
    return chunks
