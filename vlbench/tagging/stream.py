"""Images through a model as they are decoded: threads read ahead, answers leave in the order asked."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial as bind
from itertools import islice
from typing import Never, TypeVar

import torch
from torch import Tensor
from tqdm import tqdm

from vlbench.core.contracts import Dataset, Model, Text
from vlbench.core.errors import DataError, NotFinite, Unsupported
from vlbench.core.image import part_of
from vlbench.engine.executors.loader import naming, read_ahead
from vlbench.engine.settings import RunSettings
from vlbench.tagging.answer import BrokenImage, Tag, TaggedImage
from vlbench.tagging.choice import Chosen, choose
from vlbench.tagging.job import Job
from vlbench.tagging.texts import id_of

T = TypeVar("T")

BATCHES_AHEAD = 2
"""Batches of decoded images that wait for the model at most."""


@dataclass(slots=True)
class _Size:
    """A batch size: halved for good when the device runs out of memory, unless the user chose it."""

    items: int
    chosen: bool = False


def encode_texts(model: Model, texts: Sequence[Text], settings: RunSettings) -> Tensor:
    """Features [m, ...] of texts, on the model's device.

    Raises:
        NotFinite: the model answers NaN or infinity.
        Unsupported: the device has too little memory.
    """

    def encode(size: int) -> Tensor:
        return model.encode_texts(texts, batch_size=size)

    with torch.inference_mode():
        features = _within_memory(encode, _Size(settings.first_text_batch_size), settings.device)
    return _finite(features, "text features")


def tag_images(job: Job) -> Generator[TaggedImage | BrokenImage]:
    """The tags (and caption) of each image, in order, as batches are done; one that does not decode says why.

    Raises:
        NotFinite: the model answers NaN or infinity.
        Unsupported: the device has too little memory.
    """
    settings, count = job.settings, len(job.images)
    size = _Size(min(settings.first_batch_size, count), settings.batch_size is not None)
    step = size.items
    progress: tqdm[Never] = tqdm(total=count, unit="img", desc="tags", disable=None, smoothing=0.05)
    decode = bind(_decoded, job.model, job.images)
    ahead = read_ahead(decode, range(count), workers=settings.workers, ahead=BATCHES_AHEAD * step)
    with progress, closing(ahead) as decoded:
        for start in range(0, count, step):
            loaded = list(islice(decoded, step))
            answers = iter(_answers(job, [each for each in loaded if isinstance(each, Tensor)], size))
            for position, each in enumerate(loaded, start=start):
                path = job.images[position].id
                progress.update()
                if isinstance(each, str):
                    yield BrokenImage(path, each)
                else:
                    chosen, caption = next(answers)
                    yield TaggedImage(path, _tags(job, chosen), caption)


def _decoded(model: Model, images: Dataset, position: int) -> Tensor | str:
    """An image as the model's pixels [3, h, w], or why it does not decode."""
    example = images[position]
    try:
        with naming(example, images.name), torch.inference_mode():  # a mode is of one thread
            return model.preprocess(part_of(example.image(), example.box))
    except DataError as error:
        return str(error)


def _answers(job: Job, pixels: Sequence[Tensor], size: _Size) -> list[tuple[list[Chosen], str | None]]:
    """The chosen tags and the caption of each image."""
    if not pixels:
        return []
    batch = torch.stack(list(pixels))

    def answer(items: int) -> list[tuple[list[Chosen], str | None]]:
        return [each for part in torch.split(batch, items) for each in _answered(job, part)]

    with torch.inference_mode():
        return _within_memory(answer, size, job.settings.device)


def _answered(job: Job, pixels: Tensor) -> list[tuple[list[Chosen], str | None]]:
    """Tags and captions of one part of a batch, whose images are encoded once for both."""
    images = job.model.encode_images(pixels.to(job.settings.device, non_blocking=True))
    scores = _finite(job.columns.scores(job.model.score, images), "scores")  # [b, m]
    chosen = choose(scores, job.choice)
    if job.captioner is None:
        return [(each, None) for each in chosen]
    guides = [_leading(job, each) if job.guide is None else job.guide for each in chosen]
    return list(zip(chosen, job.captioner(images, guides), strict=True))


def _leading(job: Job, chosen: Sequence[Chosen]) -> list[str]:
    """The names of an image's tags in the order of the list, as the authors lead a caption."""
    return [job.texts[place].name for place in sorted(each.position for each in chosen)]


def _tags(job: Job, chosen: Sequence[Chosen]) -> tuple[Tag, ...]:
    return tuple(
        Tag(job.names[each.position], each.score, id_of(job.texts[each.position])) for each in chosen
    )


def _within_memory(run: Callable[[int], T], size: _Size, device: str) -> T:
    while True:
        try:
            return run(size.items)
        except torch.OutOfMemoryError as error:
            if size.chosen or size.items == 1:
                raise Unsupported(
                    f"{device} has too little memory for {size.items} items a batch; pass --batch-size auto "
                    "or a smaller number"
                ) from error
            size.items //= 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _finite(values: Tensor, what: str) -> Tensor:
    if not bool(torch.isfinite(values).all()):
        raise NotFinite(
            f"the model's {what} hold NaN or infinity; check the weights, or use --precision fp32"
        )
    return values
