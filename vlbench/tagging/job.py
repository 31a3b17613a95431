"""Tagging jobs: images, texts and a loaded model. All refusals are made here."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial as bind
from pathlib import Path

import torch

from vlbench.cards.build import open_model
from vlbench.cards.catalogue import Catalogue
from vlbench.cards.descriptions import described, read_descriptions, unasked
from vlbench.core.capabilities import Captioner
from vlbench.core.contracts import Dataset, Placement, Text
from vlbench.core.files import shown
from vlbench.core.image import decoding_text
from vlbench.engine.chunk import Reduction
from vlbench.engine.executors.local import LocalExecutor, to_numpy
from vlbench.engine.executors.pool import Pool
from vlbench.engine.executors.spread import SpreadExecutor, executor_of
from vlbench.tagging.captions import captioner_of, check_captions
from vlbench.tagging.choice import Choice, Threshold, choice_for
from vlbench.tagging.images import find_images
from vlbench.tagging.texts import (
    Language,
    check_reads_descriptions,
    read_tag_file,
    split_names,
    texts_for,
    with_prompts,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggingJob:
    """Images, the texts [m] with their names, which tags to choose, and what encodes.

    `scores` are an image's with the encoded texts. `local` has the model in this process; `executor`, which
    encodes images, is that or workers. `captioner` writes captions; None if none are asked for. `guide` are
    the tags that guide all captions; None if each image's own tags do. `remarks` are about how the tags and
    the model's files were read; remarks on decoding are added to `found`, by image index, as answers come.
    """

    images: Dataset
    texts: tuple[Text, ...]
    names: tuple[str, ...]
    scores: Reduction
    choice: Choice
    local: LocalExecutor
    executor: LocalExecutor | SpreadExecutor
    captioner: Captioner | None = None
    guide: tuple[str, ...] | None = None
    remarks: tuple[str, ...] = ()
    found: dict[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def decoding(self) -> str:
        """What decoding changed in the images so far; empty if nothing."""
        found = sorted(self.found.items())
        return decoding_text((self.images[index].id, remarks) for index, remarks in found)


def prepare(
    asked: Sequence[str],
    name: str,
    catalogue: Catalogue,
    pool: Pool,
    *,
    tags: Path | None = None,
    descriptions: Path | None = None,
    threshold: Threshold = None,
    top_k: int | None = None,
    caption: bool = False,
    guide: tuple[str, ...] | None = None,
    language: Language = "en",
    weights: Path | None = None,
) -> TaggingJob:
    """Find the images (files, folders, wildcards), read the tags, load the model, and encode the tags.

    Workers of the `pool` encode images, where its settings ask for them.
    `tags` None means the model's own list. `threshold` and `top_k` are as in choice.py. `weights` is the
    user's own file.

    Raises:
        VlbenchError: a name, a file or an option is wrong. Errors that need no model are raised before it
            loads.
    """
    images, settings = find_images(asked), pool.settings
    given = None if tags is None else read_tag_file(tags)
    if given is not None and descriptions is not None:
        given = described(given, read_descriptions(descriptions), shown(descriptions))
    checkpoint = open_model(
        name, catalogue, weights=weights, preprocess=settings.preprocess, cache=settings.cache
    ).checkpoint
    if caption:
        check_captions(checkpoint)
    placement = Placement(settings.device, settings.precision)
    # as many images in each batch: the last one is filled up with blank ones
    batches = -(-len(images) // settings.first_batch_size)
    step = -(-len(images) // batches)
    local = LocalExecutor(lambda: checkpoint.load(placement), settings, batch_size=step)
    model = local.model
    captioner = captioner_of(model) if caption else None
    texts = texts_for(model, given)
    if descriptions is not None:
        check_reads_descriptions(model)
    names = split_names(language, texts)
    texts = with_prompts(texts, catalogue)
    choice = choice_for(model, texts, threshold=threshold, top_k=top_k)
    with torch.inference_mode():
        features = local.halving(bind(model.encode_texts, texts), "text_batch_size")
    changes = model.info.changes
    return TaggingJob(
        images=images,
        texts=texts,
        names=names,
        scores=Reduction("scores", to_numpy(features, "text")),
        choice=choice,
        local=local,
        executor=executor_of(local, checkpoint, pool),
        captioner=captioner,
        guide=guide,
        remarks=(
            *unasked(texts, descriptions),
            *((f"{model.info.name}: {'; '.join(changes)}",) if changes else ()),
        ),
    )
