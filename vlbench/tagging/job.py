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
from vlbench.core.contracts import Dataset, Model, Placement, Text
from vlbench.core.files import shown
from vlbench.core.image import decoding_text, watched
from vlbench.engine.executors.local import LocalExecutor, to_numpy
from vlbench.engine.scoring import Columns
from vlbench.engine.settings import RunSettings
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
    """Images, a loaded model, the encoded texts [m] with their names, and which tags to choose.

    `captioner` writes captions; None if none are asked for. `guide` are the tags that guide all captions;
    None if each image's own tags do. `remarks` are about how the tags and the model's files were read;
    remarks on decoding are added to `found`, by image index, as images are opened.
    """

    images: Dataset
    model: Model
    texts: tuple[Text, ...]
    names: tuple[str, ...]
    columns: Columns
    choice: Choice
    settings: RunSettings
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
    settings: RunSettings,
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

    `tags` None means the model's own list. `threshold` and `top_k` are as in choice.py. `weights` is the
    user's own file.

    Raises:
        VlbenchError: a name, a file or an option is wrong. Errors that need no model are raised before it
            loads.
    """
    images = find_images(asked)
    given = None if tags is None else read_tag_file(tags)
    if given is not None and descriptions is not None:
        given = described(given, read_descriptions(descriptions), shown(descriptions))
    checkpoint = open_model(
        name, catalogue, weights=weights, preprocess=settings.preprocess, cache=settings.cache
    ).checkpoint
    if caption:
        check_captions(checkpoint)
    model = checkpoint.load(Placement(settings.device, settings.precision))
    captioner = captioner_of(model) if caption else None
    texts = texts_for(model, given)
    if descriptions is not None:
        check_reads_descriptions(model)
    names = split_names(language, texts)
    texts = with_prompts(texts, catalogue)
    choice = choice_for(model, texts, threshold=threshold, top_k=top_k)
    executor = LocalExecutor(lambda: model, settings)
    with torch.inference_mode():
        features = executor.halving(bind(model.encode_texts, texts), "text_batch_size")
    found: dict[int, tuple[str, ...]] = {}
    changes = model.info.changes
    return TaggingJob(
        images=watched(images, found),
        model=model,
        texts=texts,
        names=names,
        columns=Columns.of(to_numpy(features, "text"), settings.device),
        choice=choice,
        settings=settings,
        captioner=captioner,
        guide=guide,
        remarks=(
            *unasked(texts, descriptions),
            *((f"{model.info.name}: {'; '.join(changes)}",) if changes else ()),
        ),
        found=found,
    )
