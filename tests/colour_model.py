"""A model and a source small enough to compute by hand, for tests of the engine."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from vlbench.core.contracts import (
    Dataset,
    Example,
    Identity,
    ModelInfo,
    Offers,
    Placement,
    PreprocessMode,
    ScoreUnit,
    Target,
    Text,
)
from vlbench.core.dataset import Examples
from vlbench.core.result import Result
from vlbench.engine.evaluate import evaluate
from vlbench.engine.job import Job
from vlbench.engine.measure import result_of
from vlbench.engine.session import Session
from vlbench.engine.settings import RunSettings
from vlbench.engine.stored import stored_measurement

COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "white": (255, 255, 255),
    "black": (0, 0, 0),
}


def preprocess(image: Image.Image) -> Tensor:
    """The mean colour as one pixel, uint8 [3, 1, 1]."""
    pixel = image.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    return torch.tensor(pixel, dtype=torch.uint8)[:, None, None]


@dataclass
class ColourModel:
    """Scores an image by how near its mean colour is to the one a text names."""

    seen: list[int] = field(default_factory=list)
    texts_seen: list[int] = field(default_factory=list)
    largest_batch: int | None = None
    lack: Exception = field(default_factory=torch.OutOfMemoryError)
    answer: float | None = None
    pause: float = 0.0

    @property
    def info(self) -> ModelInfo:
        return ModelInfo("colour", ScoreUnit("cosine", 1.0), (1, 1), 0, feature_shape=(3,))

    @property
    def preprocess(self) -> object:
        return preprocess

    def encode_images(self, pixels: Tensor) -> Tensor:
        if self.largest_batch is not None and len(pixels) > self.largest_batch:
            raise self.lack
        self.seen.append(len(pixels))
        time.sleep(self.pause)
        return pixels.flatten(1).float() / 255

    def encode_texts(self, texts: Sequence[Text], *, batch_size: int) -> Tensor:
        self.texts_seen.append(len(texts))
        rows = [COLOURS[next(word for word in text.name.split() if word in COLOURS)] for text in texts]
        return torch.tensor(rows, dtype=torch.float32) / 255

    def score(self, images: Tensor, texts: Tensor) -> Tensor:
        if self.answer is not None:
            return torch.full((len(images), len(texts)), self.answer)
        return -torch.cdist(images, texts)


@dataclass
class ColourCheckpoint:
    """Hands out one model, and counts how often it was loaded."""

    model: ColourModel = field(default_factory=ColourModel)
    name: str = "colour"
    adapter: str = "colour"
    capabilities: frozenset[str] = frozenset()
    preprocess_mode: PreprocessMode = "exact"
    loads: int = 0

    def identify(self) -> Identity:
        return Identity("image", "text", f"whole {self.model.answer}", {}, "tests")

    def load(self, placement: Placement) -> ColourModel:
        self.loads += 1
        return self.model


def squares(
    colours: tuple[str, ...], captions: int = 1, name: str = "squares", broken: int | None = None
) -> Dataset:
    """Squares of one colour; `colours` in order, the i-th a little darker than the one before."""

    def example(index: int) -> Example:
        colour = colours[index]
        said = tuple(f"a {colour} square, sentence {k} of {index}" for k in range(captions))
        target = Target(label=colour, captions=said, tags=(colour,))
        image = partial(square, colour, 1 - index / (4 * len(colours)), broken=index == broken)
        return Example(f"{index}-{colour}", image, target, f"{colour} {index}")

    offers = Offers(names=tuple(Text(name) for name in sorted(set(colours))))
    return Dataset(name, f"squares {len(colours)}", Examples(example, len(colours)), offers)


def square(colour: str, shade: float, *, broken: bool) -> Image.Image:
    if broken:
        raise OSError("truncated")
    return Image.new("RGB", (4, 4), tuple(int(shade * part) for part in COLOURS[colour]))


def evaluated(job: Job, settings: RunSettings, cache: Path) -> Result:
    """The record of a job that is run now."""
    with Session(job.checkpoint, settings, cache) as session:
        return result_of(*evaluate(job, session), cache)


def stored(job: Job, cache: Path) -> Result | None:
    """The record of a job from what is stored; None where nothing is."""
    found = stored_measurement(job, cache)
    return None if found is None else result_of(job, found, cache)
