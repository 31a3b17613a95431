"""Captions of Tag2Text: the captioning half of its file, which is loaded when captions are asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vlbench.core.capabilities import Captioner
from vlbench.core.contracts import Placement
from vlbench.core.errors import CardError, Unsupported
from vlbench.core.text_file import read_text
from vlbench.models.ram.caption_beams import BeamRule, beam_search
from vlbench.models.ram.model import ClosedTaggerModel, TaggerModel
from vlbench.models.ram.network import MEND, state_of
from vlbench.models.ram.sizes import CaptionSize
from vlbench.models.ram.tag_decoder import blocks
from vlbench.models.ram.taggers import Tagger
from vlbench.models.shared.hub_files import hub_file
from vlbench.models.shared.named import version_or_none
from vlbench.models.shared.precision import inference
from vlbench.models.shared.weights import StateDict, check_state, in_float32, matching

if TYPE_CHECKING:
    from vlbench.models.ram.caption_network import CaptionNetwork

EXTRA, LEAST = "transformers", 5
"""The extra package that captions need, and its lowest major version."""

PROMPT = "a picture of "
"""The prompt of every caption; it is removed from the caption."""

TAG_PIECES = 40
"""The number of pieces to which an image's tags are padded or truncated (recognize-anything,
ram/models/tag2text.py)."""

_BETWEEN_TAGS = " | "
_NEEDED = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")

BEAMS = 3
SHORTEST = 10
LONGEST = 50
"""The number of beams, and the least and most pieces of a caption with its prompt (recognize-anything:
`generate` in ram/models/tag2text.py, and the 50 in ram/inference.py)."""

WORD_PIECES = ("google-bert/bert-base-uncased", "vocab.txt", "86b5e0934494bd15c9632b12f734a8a67f723594")
"""The repository, file and revision of the authors' word pieces."""

IMAGES_AT_ONCE = {"cpu": 8, "cuda": 64}
"""How many images are captioned together, by device: at full size, each beam of an image takes 9 MB for the
tags' keys."""
_IMAGES_ELSEWHERE = 8

_TIED = {
    "text_decoder.bert.embeddings.word_embeddings.weight": "text_decoder.cls.predictions.decoder.weight",
    "text_decoder.cls.predictions.bias": "text_decoder.cls.predictions.decoder.bias",
}
"""Names of one tensor; the last one to be read in the authors' code, the right one here, wins."""

_SHARED = ("crossattention", "intermediate", "output")
"""The parts that the first layers of the tag encoder share with the tag decoder; the decoder's names are
used."""
_UNREAD = "*.token_type_embeddings.weight"


@dataclass(frozen=True, slots=True)
class WordPieces:
    """A BERT vocabulary, followed by the piece that begins a text and the one that begins tags."""

    tokenizer: Any
    count: int

    @classmethod
    def of(cls, path: Path, expected: int) -> "WordPieces":
        """The word pieces in a file, one per line.

        Raises:
            CardError: the file cannot be read, or has another number of pieces (`expected` includes the two).
        """
        from transformers.models.bert.tokenization_bert import BertTokenizer

        pieces = read_text(path, CardError).rstrip("\n").split("\n")
        missing = [each for each in _NEEDED if each not in pieces]
        if missing or len(set(pieces)) + 2 != expected:
            why = f"lacks {', '.join(missing)}" if missing else f"{len(set(pieces))} word pieces"
            raise CardError(
                f"{path}: {why}, where captions want {expected - 2} of BERT's; correct `word_pieces`, or "
                "`vocabulary` of `captions`"
            )
        vocabulary = {piece: place for place, piece in enumerate(pieces)}
        return cls(BertTokenizer(vocab=vocabulary, do_lower_case=True), len(pieces))

    @property
    def end(self) -> int:
        """The piece that ends a text."""
        end: int = self.tokenizer.sep_token_id
        return end

    def prompt(self) -> Tensor:
        """The pieces [l] that every caption begins with."""
        pieces: list[int] = self.tokenizer(PROMPT)["input_ids"]
        return torch.tensor([self.count, *pieces[1:-1]])

    def of_tags(self, tags: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor]:
        """The pieces [b, 40] of each image's tags, and which of them are not padding [b, 40]."""
        read = self.tokenizer(
            [_BETWEEN_TAGS.join(each) for each in tags],
            padding="max_length",
            truncation=True,
            max_length=TAG_PIECES,
            return_tensors="pt",
        )
        pieces: Tensor = read["input_ids"]
        pieces[:, 0] = self.count + 1
        return pieces, read["attention_mask"].bool()

    def text(self, pieces: Sequence[int]) -> str:
        """The caption of some pieces, without the prompt."""
        known = [piece for piece in pieces if piece < self.count]
        said: str = self.tokenizer.decode(known, skip_special_tokens=True, clean_up_tokenization_spaces=True)
        return said[len(PROMPT) :]


@dataclass(frozen=True, slots=True, eq=False)
class CaptionWriter:
    """The captioning half on a device: a Captioner of core/capabilities.py."""

    network: "CaptionNetwork"
    words: WordPieces
    placement: Placement
    rule: BeamRule

    def __call__(self, images: Tensor, tags: Sequence[Sequence[str]]) -> list[str]:
        """Captions for tokens [b, 1 + t, c], each guided by its own tags."""
        kind = torch.device(self.placement.device).type
        found: list[str] = []
        for rows in blocks(len(images), IMAGES_AT_ONCE.get(kind, _IMAGES_ELSEWHERE)):
            found.extend(map(self.words.text, self.pieces(images[rows], tags[rows])))
        return found

    def pieces(self, images: Tensor, tags: Sequence[Sequence[str]]) -> list[list[int]]:
        """Captions as word pieces, with the prompt."""
        with inference(Placement(self.placement.device)):
            states = self.states(images, tags)
            prompt = self.words.prompt().to(states.device).expand(len(images), -1)
            return beam_search(self.network.steps(states), prompt, self.rule)

    def states(self, images: Tensor, tags: Sequence[Sequence[str]]) -> Tensor:
        """The states [b, 40, h] of tags after reading tokens [b, 1 + t, c]."""
        pieces, present = (each.to(self.placement.device) for each in self.words.of_tags(tags))
        return self.network.encode_tags(pieces, present, images.to(self.placement.device).float())


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptioningTaggerModel(ClosedTaggerModel):
    """Tag2Text; also a Generates of core/capabilities.py."""

    load_captioner: Callable[[Tagger, Placement], Captioner]

    def captioner(self) -> Captioner:
        """The captioner for this model's tokens [b, 1 + t, c]; it runs in float32 at any precision.

        Raises:
            Unsupported: the extra `transformers` is not installed, or too old.
                CardError: the word pieces are wrong.
                WeightsError: the file has no captioning half, or the word pieces cannot be downloaded.
        """
        return self.load_captioner(self.network, self.placement)


def with_captions(model: TaggerModel, size: CaptionSize, pieces: Path | None, weights: Path) -> TaggerModel:
    """The model with a captioning half of these sizes, which is read when captions are asked for.

    `pieces` is the file of word pieces; None means the authors' file.
    """
    parts = {each.name: getattr(model, each.name) for each in fields(model)}
    load = partial(load_captioner, model.info.name, size, pieces, weights)
    return CaptioningTaggerModel(**parts, load_captioner=load)


def load_captioner(
    name: str, size: CaptionSize, pieces: Path | None, weights: Path, tagger: Tagger, placement: Placement
) -> CaptionWriter:
    """Load the captioning half of a file. What it shares with the tagger's network is not loaded twice.

    Raises:
        Unsupported: the extra `transformers` is not installed, or too old.
        CardError: the word pieces are wrong.
        WeightsError: a key is missing or has another shape, or the word pieces cannot be downloaded.
    """
    _check_extra(name)
    from vlbench.models.ram.caption_network import CaptionNetwork

    repository, file, revision = WORD_PIECES
    path = pieces or hub_file(
        repository,
        (file,),
        model=f"{name}: word pieces of captions",
        advice="fetch it on another machine and name it as `word_pieces` in a card of your own",
        revision=revision,
    )
    words = WordPieces.of(path, size.vocabulary)
    with torch.device("meta"):
        network = CaptionNetwork(tagger.size, size)
    keys = network.state_dict()
    tied = {**_TIED, **shared_names(keys, tagger.size.decoder_layers)}
    unread = matching(keys, [_UNREAD])
    own = {key: value for key, value in keys.items() if key not in unread}
    wanted = {key: value for key, value in own.items() if key not in tied}
    read = state_of(weights)
    kept = in_float32(read.having({key: read.state[key] for key in wanted if key in read.state}))
    check_state(kept, wanted, mend=MEND)
    held: StateDict = {key: value.to(placement.device) for key, value in kept.state.items()}
    held |= tagger.state_dict()
    network.computed(placement.device)
    network.load_state_dict({key: held[tied.get(key, key)] for key in own}, assign=True, strict=False)
    rule = BeamRule(beams=BEAMS, shortest=SHORTEST, longest=LONGEST, end=words.end)
    return CaptionWriter(network.eval().requires_grad_(requires_grad=False), words, placement, rule)


def shared_names(keys: Mapping[str, object], layers: int) -> dict[str, str]:
    """The keys of the tag encoder's first `layers` layers, with their names in the tag decoder."""
    shared = [f"tag_encoder.encoder.layer.{layer}.{part}." for layer in range(layers) for part in _SHARED]
    return {
        key: key.replace("tag_encoder.", "tagging_head.", 1) for key in keys if key.startswith(tuple(shared))
    }


def _check_extra(name: str) -> None:
    found = version_or_none(EXTRA) or ""
    if int(found.partition(".")[0] or 0) < LEAST:
        why = f"not {found}" if found else "which is not installed"
        raise Unsupported(
            f"{name}: captions need {EXTRA} {LEAST} or later, {why}; pip install 'vlbench[transformers]'"
        )
