"""What is asked, and what it takes: images, texts, a loaded model. All refusals are made here."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.cards.build import open_model
from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.descriptions import described, read_descriptions, unasked
from vlbench.core.capabilities import Captioner
from vlbench.core.contracts import Dataset, Model, Placement, Text
from vlbench.core.files import shown
from vlbench.core.image import decoding_text, watched
from vlbench.engine.settings import RunSettings
from vlbench.tagging.captions import CaptionRequest, captioner_of, check_captions
from vlbench.tagging.choice import Choice, Threshold, choice_for
from vlbench.tagging.images import find_images
from vlbench.tagging.texts import (
    Language,
    check_reads_descriptions,
    names_in,
    read_tags,
    texts_for,
    with_prompts,
)

if TYPE_CHECKING:
    from vlbench.engine.scoring import Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRequest:
    """What is asked: images (files, folders, wildcards), a model by name, tags, and which of them to give.

    `tags` None takes the model's own list. `threshold` and `top_k` are those of choice.py. `captions` None
    asks for none. `include` are folders with more cards; `weights` is the user's own file.
    """

    images: tuple[str, ...]
    model: str
    settings: RunSettings
    tags: Path | None = None
    descriptions: Path | None = None
    threshold: Threshold = None
    top_k: int | None = None
    captions: CaptionRequest | None = None
    language: Language = "en"
    include: tuple[Path, ...] = ()
    weights: Path | None = None
    cache: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Images, a loaded model, the texts [m] as it is asked for them with their names, and which to give.

    `captioner` writes captions, None where none are asked for; `guide` are the tags that lead all of them,
    None for those that are given of each image. `remarks` are what a user has to know of how the tags and
    the model's files were read; `found` takes those on decoding as images are opened, by their index.
    """

    images: Dataset
    model: Model
    texts: tuple[Text, ...]
    names: tuple[str, ...]
    columns: "Columns"
    choice: Choice
    settings: RunSettings
    captioner: Captioner | None = None
    guide: tuple[str, ...] | None = None
    remarks: tuple[str, ...] = ()
    found: dict[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def decoding(self) -> str:
        """What decoding changed of the images so far; empty if nothing."""
        found = sorted(self.found.items())
        return decoding_text((self.images[index].id, remarks) for index, remarks in found)


def prepare(request: TagRequest) -> Job:
    """Find the images, read the tags, load the model and encode the tags.

    Raises:
        VlbenchError: a name, a file or an option is wrong. What needs no model is said before it loads.
    """
    images = find_images(request.images)
    given = None if request.tags is None else read_tags(request.tags)
    if given is not None and request.descriptions is not None:
        given = described(given, read_descriptions(request.descriptions), shown(request.descriptions))
    catalogue = read_catalogue(request.include)
    settings = request.settings
    named = open_model(
        request.model,
        catalogue,
        weights=request.weights,
        preprocess=settings.preprocess,
        cache=request.cache,
    ).checkpoint
    if request.captions is not None:
        check_captions(named)
    model = named.load(Placement(settings.device, settings.precision))
    captioner = None if request.captions is None else captioner_of(model)
    texts = texts_for(model, given)
    if request.descriptions is not None:
        check_reads_descriptions(model)
    names = names_in(request.language, texts)
    texts = with_prompts(texts, catalogue)
    choice = choice_for(model, texts, threshold=request.threshold, top_k=request.top_k)
    from vlbench.engine.scoring import Columns
    from vlbench.tagging.stream import encode_texts

    features = encode_texts(model, texts, settings)
    found: dict[int, tuple[str, ...]] = {}
    return Job(
        images=watched(images, found),
        model=model,
        texts=texts,
        names=names,
        columns=Columns.of(features.cpu().numpy(), settings.device),
        choice=choice,
        settings=settings,
        captioner=captioner,
        guide=None if request.captions is None else request.captions.guide,
        remarks=(
            *unasked(texts, request.descriptions),
            *((f"{model.info.name}: {'; '.join(model.info.changes)}",) if model.info.changes else ()),
        ),
        found=found,
    )
