"""Tag2Text's captioning half, filled from the tagger's own file when captions are asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import torch
from torch import Tensor

from vlbench.core.contracts import Placement
from vlbench.models.ram.caption_beams import BeamRule, beam_search
from vlbench.models.ram.caption_words import WordPieces
from vlbench.models.ram.captioner import Captioner, DecoderSteps
from vlbench.models.ram.network import MEND, state_of
from vlbench.models.ram.settings import TaggerSettings
from vlbench.models.ram.tag_decoder import blocks
from vlbench.models.ram.taggers import Tagger
from vlbench.models.shared.hub_files import hub_file
from vlbench.models.shared.precision import inference
from vlbench.models.shared.weights import StateDict, check_state, in_float32

BEAMS = 3
SHORTEST = 10
LONGEST = 50
"""Beams, and least and most pieces of a caption with its prompt (recognize-anything: `generate` of
ram/models/tag2text.py, and the 50 of ram/inference.py)."""

WORD_PIECES = ("google-bert/bert-base-uncased", "vocab.txt", "86b5e0934494bd15c9632b12f734a8a67f723594")
"""Repository, file and revision of the authors' word pieces."""

IMAGES_AT_ONCE = {"cpu": 8, "cuda": 64}
"""Images that are captioned together, by device: 9 MB of tags' keys a beam of each at full size."""
_IMAGES_ELSEWHERE = 8

_TIED = {
    "text_decoder.bert.embeddings.word_embeddings.weight": "text_decoder.cls.predictions.decoder.weight",
    "text_decoder.cls.predictions.bias": "text_decoder.cls.predictions.decoder.bias",
}
"""Names of one tensor; the last one to be read in the authors' code, the right one here, wins."""

_SHARED = ("crossattention", "intermediate", "output")
"""Parts that the first layers of the tag encoder share with the tag decoder, whose names win."""
_UNREAD = "*.token_type_embeddings.weight"


@dataclass(frozen=True, slots=True, eq=False)
class CaptionWriter:
    """A captioning half on a device: a Captioner of core/capabilities.py."""

    network: Captioner
    words: WordPieces
    placement: Placement
    rule: BeamRule

    def __call__(self, images: Tensor, tags: Sequence[Sequence[str]]) -> list[str]:
        """Captions of tokens [b, 1 + t, c], each led by its own tags."""
        kind = torch.device(self.placement.device).type
        found: list[str] = []
        for rows in blocks(len(images), IMAGES_AT_ONCE.get(kind, _IMAGES_ELSEWHERE)):
            found.extend(map(self.words.text, self.pieces(images[rows], tags[rows])))
        return found

    def pieces(self, images: Tensor, tags: Sequence[Sequence[str]]) -> list[list[int]]:
        """Captions as word pieces, the prompt in front."""
        with inference(Placement(self.placement.device)):
            states = self.states(images, tags)
            prompt = self.words.prompt().to(states.device).expand(len(images), -1)
            return beam_search(DecoderSteps(self.network, states), prompt, self.rule)

    def states(self, images: Tensor, tags: Sequence[Sequence[str]]) -> Tensor:
        """What tags take from tokens [b, 1 + t, c]: states [b, 40, h]."""
        pieces, present = (each.to(self.placement.device) for each in self.words.of_tags(tags))
        return self.network.encode_tags(pieces, present, images.to(self.placement.device).float())


def load_captioner(
    settings: TaggerSettings, weights: Path, *, name: str, network: Tagger, placement: Placement
) -> CaptionWriter:
    """The captioning half of a file; what it shares with the tagger's network is not held twice.

    Raises:
        CardError: the word pieces are wrong.
        WeightsError: a key is missing or of another shape, or the word pieces cannot be had.
    """
    assert settings.captions is not None
    path = settings.word_pieces or _published_pieces(name)
    words = WordPieces.of(path, settings.captions.vocabulary)
    with torch.device("meta"):
        captioner = Captioner(settings.network, settings.captions)
    tied = {**_TIED, **shared_names(captioner.state_dict(), settings.network.decoder_layers)}
    own = {key: value for key, value in captioner.state_dict().items() if not fnmatch(key, _UNREAD)}
    read = state_of(weights)
    wanted = {key: value for key, value in own.items() if key not in tied}
    found = {key: read.state[key] for key in wanted if key in read.state}
    kept = in_float32(read.having(found))
    check_state(kept, wanted, mend=MEND)
    held: StateDict = {key: value.to(placement.device) for key, value in kept.state.items()}
    for key, value in network.state_dict().items():
        held[key] = value
    captioner.computed(placement.device)
    filled = {key: held[tied.get(key, key)] for key in own}
    captioner.load_state_dict(filled, assign=True, strict=False)
    rule = BeamRule(beams=BEAMS, shortest=SHORTEST, longest=LONGEST, end=words.end)
    return CaptionWriter(captioner.eval().requires_grad_(requires_grad=False), words, placement, rule)


def shared_names(keys: Mapping[str, object], layers: int) -> dict[str, str]:
    """Keys of the tag encoder's first `layers` layers that go by a name of the tag decoder's."""
    shared = [f"tag_encoder.encoder.layer.{layer}.{part}." for layer in range(layers) for part in _SHARED]
    return {
        key: key.replace("tag_encoder.", "tagging_head.", 1) for key in keys if key.startswith(tuple(shared))
    }


def _published_pieces(name: str) -> Path:
    repository, file, revision = WORD_PIECES
    return hub_file(
        repository,
        (file,),
        model=f"{name}: word pieces of captions",
        advice="fetch it on another machine and name it as `word_pieces` in a card of your own",
        revision=revision,
    )
