"""Runs images through a model as they are decoded, here or by workers; answers come in the order asked."""

from collections.abc import Generator, Sequence
from contextlib import closing
from functools import partial as bind
from os import devnull
from pathlib import Path
from typing import Never

import torch
from tqdm import tqdm

from vlbench.core.contracts import Text
from vlbench.engine.chunk import Encoded, Features, Reduction
from vlbench.engine.feature_store import FeatureSpace
from vlbench.engine.image_pass import ImagePass, Sink
from vlbench.tagging.answer import BrokenImage, Tag, TaggedImage
from vlbench.tagging.choice import Chosen, choose
from vlbench.tagging.job import TaggingJob
from vlbench.tagging.texts import id_of


def tag_images(job: TaggingJob) -> Generator[TaggedImage | BrokenImage]:
    """Yield the tags (and caption) of each image in order, batch by batch, or why it does not decode.

    Raises:
        NotFinite: the model answers NaN or infinity.
        Unsupported: the device has too little memory.
        WorkersLost: workers died again and again.
    """
    count = len(job.images)
    nothing = FeatureSpace(Path(devnull))  # what is made is not stored, and nothing is
    wanted = (job.scores, *([] if job.captioner is None else [Reduction("features")]))
    places = [str(place) for place in range(count)]  # as keys: copies are answered as well
    sinks = [Sink(each, nothing) for each in wanted]
    images = ImagePass(job.images, places, sinks, job.local.batch_size, tolerant=True)
    progress: tqdm[Never] = tqdm(total=count, unit="img", desc="tags", disable=None, smoothing=0.05)
    answers: dict[int, TaggedImage | BrokenImage] = {}
    due = 0
    with progress, closing(job.executor.encode_passes([images])) as made:
        for _, encoded in made:
            answers |= _answers(job, encoded)
            while due in answers:
                progress.update()
                progress.set_postfix_str(job.executor.rates, refresh=False)
                yield answers.pop(due)
                due += 1
    if images.done.error is not None:
        raise images.done.error


def _answers(job: TaggingJob, encoded: Encoded) -> dict[int, TaggedImage | BrokenImage]:
    """The answer for each image of a batch, by its position."""
    job.found.update((int(key), remarks) for key, remarks in encoded.remarks.items())
    paths = {place: job.images[place].id for place in (*encoded.places, *encoded.broken)}
    broken = {place: BrokenImage(paths[place], str(error)) for place, error in encoded.broken.items()}
    if not encoded.places:
        return {**broken}
    chosen = choose(torch.tensor(encoded.arrays[0]), job.choice)  # a copy: what a worker sent is read-only
    captions: Sequence[str | None] = [None] * len(chosen)
    if job.captioner is not None:
        guides = [_leading(job.texts, each) if job.guide is None else job.guide for each in chosen]
        write = bind(_captions, job, encoded.arrays[1], guides)
        captions = job.local.halving(write, "batch_size")
    tagged = {
        place: TaggedImage(paths[place], tuple(_tag(job, each) for each in tags), caption)
        for place, tags, caption in zip(encoded.places, chosen, captions, strict=True)
    }
    return {**broken, **tagged}


def _captions(
    job: TaggingJob, images: Features, guides: Sequence[Sequence[str]], batch_size: int
) -> list[str]:
    """The caption of each image from its features [b, ...]."""
    assert job.captioner is not None
    captions: list[str] = []
    with torch.inference_mode():
        for start in range(0, len(images), batch_size):
            rows = slice(start, start + batch_size)
            features = torch.tensor(images[rows], device=job.local.settings.device)
            captions.extend(job.captioner(features, guides[rows]))
    return captions


def _tag(job: TaggingJob, chosen: Chosen) -> Tag:
    return Tag(job.names[chosen.position], chosen.score, id_of(job.texts[chosen.position]))


def _leading(texts: Sequence[Text], chosen: Sequence[Chosen]) -> list[str]:
    """The names of an image's tags in the order of the list, as the authors guide a caption."""
    return [texts[place].name for place in sorted(each.position for each in chosen)]
