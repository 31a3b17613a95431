"""The only code that runs a model: passes over images and texts, in batches, into the store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial as bind
from typing import Never

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from vlbench.core.contracts import Dataset, Model, Text
from vlbench.core.errors import NotFinite, Unsupported
from vlbench.engine.feature_store import Features, FeatureSpace
from vlbench.engine.loader import Batch, load_batches, load_image
from vlbench.engine.settings import RunSettings

PROMPTS_A_CHUNK = 4096
"""Prompts that are encoded and stored together: enough to fill batches of one length each."""


@dataclass(slots=True)
class Encoder:
    """A loaded model and the batch sizes it runs at; halved for good when the device runs out of memory."""

    model: Model
    settings: RunSettings
    batch_size: int
    text_batch_size: int

    def encode_images(
        self,
        source: Dataset,
        positions: Sequence[int],
        keys: Sequence[str],
        space: FeatureSpace,
        *,
        then: Callable[[Tensor], Tensor] = lambda features: features,
    ) -> None:
        """Decode and encode the images at some positions of a source; `keys` are those of all its images.

        What is stored is `then` of a batch's features.
        """
        progress: tqdm[Never] = tqdm(
            total=len(positions), unit="img", desc="images", disable=None, smoothing=0.05, leave=None
        )
        with progress, torch.inference_mode():
            done = 0
            while done < len(positions):
                rest = positions[done:]
                done += self._image_batches(source, rest, _Sink(keys, space, then, progress))

    def encode_texts(self, texts: Sequence[Text], keys: Sequence[str], space: FeatureSpace) -> None:
        """Encode texts and store their features under their keys, chunk by chunk.

        Texts of one chunk offer equally many sentences, so that the shape of a text's features, which may
        depend on their number, does not depend on what else is asked.
        """
        progress: tqdm[Never] = tqdm(
            total=sum(_prompts(text) for text in texts),
            unit="prompt",
            desc="texts",
            disable=None,
            smoothing=0.05,
        )
        with progress, torch.inference_mode():
            for positions in _chunks(texts):
                chunk = [texts[i] for i in positions]
                features = self._halving(bind(self._encode_chunk, chunk), "text_batch_size")
                space.append([keys[i] for i in positions], to_numpy(features, "text"))
                progress.update(sum(_prompts(text) for text in chunk))

    def dry_pass(self, source: Dataset, texts: Sequence[Text]) -> None:
        """Two images and two prompts through the whole path, so that what cannot work fails in seconds.

        Raises:
            NotFinite: the model answers NaN or infinity.
        """
        with torch.inference_mode():
            pixels = torch.stack([load_image(self.model, source, i) for i in range(min(2, len(source)))])
            images = self.model.encode_images(pixels.to(self.settings.device))
            few = [
                replace(text, prompts=text.prompts[:1], descriptions=text.descriptions[:1])
                for text in texts[:2]
            ]
            features = self.model.encode_texts(few, batch_size=2)
            to_numpy(images, "image")
            to_numpy(features, "text")
            to_numpy(self.model.score(images, features), "score")

    def _image_batches(
        self,
        source: Dataset,
        positions: Sequence[int],
        sink: "_Sink",
    ) -> int:
        """Encode until done or until the batch size was halved; the answer counts the images encoded."""
        size = self.batch_size
        on_device = not self.settings.on_cpu
        batches = load_batches(
            self.model,
            source,
            positions,
            batch_size=size,
            workers=self.settings.workers,
            pin=self.settings.device.startswith("cuda"),
        )
        waiting: tuple[Batch, Tensor] | None = None
        done = 0
        for batch in batches:
            features = sink.then(self._halving(bind(self._encode_pixels, batch.pixels), "batch_size"))
            # on a device the copy back waits for the next batch to be queued, so that it never idles
            for finished in ([waiting] if waiting else []) if on_device else [(batch, features)]:
                done += sink.take(*finished)
            waiting = (batch, features) if on_device else None
            if self.batch_size != size:
                break
        batches.close()
        return done + (sink.take(*waiting) if waiting else 0)

    def _encode_chunk(self, texts: Sequence[Text], size: int) -> Tensor:
        return self.model.encode_texts(texts, batch_size=size)

    def _encode_pixels(self, pixels: Tensor, size: int) -> Tensor:
        device = self.settings.device
        parts = [
            self.model.encode_images(part.to(device, non_blocking=True)) for part in torch.split(pixels, size)
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _halving(self, run: Callable[[int], Tensor], which: str) -> Tensor:
        while True:
            size: int = getattr(self, which)
            try:
                return run(size)
            except torch.OutOfMemoryError as error:
                chosen = which == "batch_size" and self.settings.batch_size is not None
                if chosen or size == 1:
                    raise Unsupported(
                        f"{self.settings.device} has too little memory for {size} items a batch; "
                        "pass --batch-size auto or a smaller number"
                    ) from error
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


@dataclass(frozen=True, slots=True)
class _Sink:
    """Where encoded batches go: under the keys of their images, after `then`."""

    keys: Sequence[str]
    space: FeatureSpace
    then: Callable[[Tensor], Tensor]
    progress: "tqdm[Never]"

    def take(self, batch: Batch, features: Tensor) -> int:
        """Store what was made of a batch; the answer counts its images."""
        count = len(batch.positions)
        self.space.append([self.keys[i] for i in batch.positions], to_numpy(features[:count], "image"))
        self.progress.update(count)
        return count


def _prompts(text: Text) -> int:
    return max(1, len(text.prompts or text.descriptions))


def _chunks(texts: Sequence[Text]) -> list[list[int]]:
    """Positions of texts that are encoded together."""
    alike: dict[tuple[int, int], list[int]] = {}
    for position, text in enumerate(texts):
        alike.setdefault((len(text.prompts), len(text.descriptions)), []).append(position)
    chunks: list[list[int]] = []
    for positions in alike.values():
        size = -(-PROMPTS_A_CHUNK // _prompts(texts[positions[0]]))
        chunks.extend(positions[start : start + size] for start in range(0, len(positions), size))
    return chunks
