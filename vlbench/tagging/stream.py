"""Runs images through a model as they are decoded: threads read ahead, answers come in the order asked."""

from collections.abc import Generator, Sequence
from contextlib import closing
from functools import partial as bind
from itertools import islice
from typing import Never

import torch
from torch import Tensor
from tqdm import tqdm

from vlbench.core.contracts import Dataset, Model
from vlbench.core.errors import DataError, NotFinite
from vlbench.core.image import part_of
from vlbench.engine.executors.loader import naming, read_ahead
from vlbench.engine.executors.local import LocalExecutor
from vlbench.tagging.answer import BrokenImage, Tag, TaggedImage
from vlbench.tagging.choice import Chosen, choose
from vlbench.tagging.job import TaggingJob
from vlbench.tagging.texts import id_of

BATCHES_AHEAD = 2
"""The most batches of decoded images that wait for the model."""


def tag_images(job: TaggingJob) -> Generator[TaggedImage | BrokenImage]:
    """Yield the tags (and caption) of each image in order, batch by batch, or why it does not decode.

    Raises:
        NotFinite: the model answers NaN or infinity.
        Unsupported: the device has too little memory.
    """
    settings, count = job.settings, len(job.images)
    step = min(settings.first_batch_size, count)
    executor = LocalExecutor(lambda: job.model, settings, batch_size=step)
    progress: tqdm[Never] = tqdm(total=count, unit="img", desc="tags", disable=None, smoothing=0.05)
    decode = bind(_decoded, job.model, job.images)
    ahead = read_ahead(decode, range(count), workers=settings.workers, ahead=BATCHES_AHEAD * step)
    with progress, closing(ahead) as decoded:
        for start in range(0, count, step):
            loaded = list(islice(decoded, step))
            answers = iter(_answers(job, [each for each in loaded if isinstance(each, Tensor)], executor))
            for position, each in enumerate(loaded, start=start):
                path = job.images[position].id
                progress.update()
                if isinstance(each, str):
                    yield BrokenImage(path, each)
                else:
                    chosen, caption = next(answers)
                    tags = [
                        Tag(job.names[tag.position], tag.score, id_of(job.texts[tag.position]))
                        for tag in chosen
                    ]
                    yield TaggedImage(path, tuple(tags), caption)


def _decoded(model: Model, images: Dataset, position: int) -> Tensor | str:
    """The pixels [3, h, w] of an image for the model, or why it does not decode."""
    example = images[position]
    try:
        with naming(example, images.name), torch.inference_mode():  # inference mode is set per thread
            return model.preprocess(part_of(example.image(), example.box))
    except DataError as error:
        return str(error)


def _answers(
    job: TaggingJob, pixels: Sequence[Tensor], executor: LocalExecutor
) -> list[tuple[list[Chosen], str | None]]:
    """The chosen tags and the caption of each image."""
    if not pixels:
        return []
    batch = torch.stack(list(pixels))

    def answer(batch_size: int) -> list[tuple[list[Chosen], str | None]]:
        return [each for part in torch.split(batch, batch_size) for each in _answered(job, part)]

    with torch.inference_mode():
        return executor.halving(answer, "batch_size")


def _answered(job: TaggingJob, pixels: Tensor) -> list[tuple[list[Chosen], str | None]]:
    """Tags and captions for one part of a batch; images are encoded once for both."""
    images = job.model.encode_images(pixels.to(job.settings.device, non_blocking=True))
    scores = job.columns.scores(job.model.score, images)  # [b, m]
    if not bool(torch.isfinite(scores).all()):
        raise NotFinite(
            "the model's scores contain NaN or infinity; check the weights, or use --precision fp32"
        )
    chosen = choose(scores, job.choice)
    if job.captioner is None:
        return [(each, None) for each in chosen]
    guides = [_leading(job, each) if job.guide is None else job.guide for each in chosen]
    return list(zip(chosen, job.captioner(images, guides), strict=True))


def _leading(job: TaggingJob, chosen: Sequence[Chosen]) -> list[str]:
    """The names of an image's tags in the order of the list, as the authors guide a caption."""
    return [job.texts[place].name for place in sorted(each.position for each in chosen)]
