"""Pairs of images and captions to learn from: opened by name, and read in batches by threads."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vlbench.cards.build import NamedTask, open_training
from vlbench.cards.catalogue import Catalogue
from vlbench.cards.data_request import DataRequest
from vlbench.core.contracts import Dataset
from vlbench.core.errors import DataError
from vlbench.core.image import part_of
from vlbench.engine.executors.loader import naming, read_ahead
from vlbench.fitting.augmentation import Erasure, augment
from vlbench.fitting.batches import batches
from vlbench.fitting.react_base import Base
from vlbench.fitting.react_recipe import ReactRecipe
from vlbench.models.shared.dual_encoder import DualEncoder


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """What is learned from: images with captions, and the digests of the images (core/image.py)."""

    source: Dataset
    digests: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class MicroBatch:
    """A part of a batch: pixels [b, 3, h, w] in uint8, what is erased of them by row, and captions [b]."""

    pixels: Tensor
    erasures: dict[int, Erasure]
    captions: tuple[str, ...]

    def normalised(self, model: DualEncoder) -> Tensor:
        """What the image tower takes [b, 3, h, w], on the model's device."""
        found = model.normalisation(self.pixels.to(model.placement.device))
        for row, erasure in self.erasures.items():
            erasure.on(found[row])
        return found


def open_pairs(name: str, catalogue: Catalogue, request: DataRequest) -> NamedTask:
    """Open pairs: a task's card, whose training split they are, `retrieval:FOLDER`, or a folder.

    Raises:
        DataError: the card names no training split, the data are not here, or images have no captions.
        UnknownName, CardError, PluginError: as cards/build.py's `open_task`.
    """
    if name not in catalogue.tasks and Path(name).expanduser().is_dir():
        name = f"retrieval:{name}"
    opened = open_training(name, catalogue, request=request)
    for example in opened.task.problem.images.examples:
        if not example.target.captions:
            raise DataError(
                f"{opened.task.name}: image {example.id} has no caption; name images with captions: "
                "retrieval:FOLDER, or a task of kind retrieval"
            )
    return opened


def read_batches(
    source: Dataset, base: Base, recipe: ReactRecipe, *, first: int, at_once: int, workers: int
) -> Generator[list[MicroBatch]]:
    """The batches of all steps from `first` on, each in parts of at most `at_once` images.

    What is drawn of an image depends on the seed, the epoch and its place alone.

    Raises:
        DataError: an image does not decode.
    """
    read = partial(_read, source, base, recipe)
    asked = _places(len(source), recipe, first)
    size = min(recipe.batch_size, len(source))
    with closing(read_ahead(read, asked, workers=workers, ahead=size)) as coming:
        while rows := list(islice(coming, size)):
            yield [_joined(rows[start : start + at_once]) for start in range(0, size, at_once)]


_Row = tuple[Tensor, Erasure | None, str]


def _places(count: int, recipe: ReactRecipe, first: int) -> Iterator[tuple[int, int]]:
    """The epoch and the place of each image that a step from `first` on reads."""
    for epoch in range(recipe.epochs):
        order = batches(count, recipe.batch_size, seed=recipe.seed, epoch=epoch)
        for batch in order[max(0, first - epoch * len(order)) :]:
            yield from ((epoch, place) for place in batch.tolist())


def _read(source: Dataset, base: Base, recipe: ReactRecipe, asked: tuple[int, int]) -> _Row:
    epoch, place = asked
    example, random = source[place], np.random.default_rng([recipe.seed, epoch, place])
    captions = example.target.captions
    caption = captions[int(random.integers(len(captions)))]
    with naming(example, source.name):
        image = part_of(example.image(), example.box)
        if recipe.augmentation != "none":
            image = image.convert("RGB")
        size, fill = base.model.info.image_size, base.mean_colour
        seen, erasure = augment(image, size, recipe.augmentation, random, fill=fill)
        return base.model.preprocess(seen), erasure, caption


def _joined(rows: Sequence[_Row]) -> MicroBatch:
    pixels, erasures, captions = zip(*rows, strict=True)
    return MicroBatch(
        torch.stack(pixels),
        {row: erasure for row, erasure in enumerate(erasures) if erasure is not None},
        captions,
    )
