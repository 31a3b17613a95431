"""The text side of taggers: rows of a model's own list, or whatever tags a CLIP text tower reads.

Tags of an open vocabulary become sentences as in recognize-anything, ram/utils/openset_utils.py.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import torch
from torch import Tensor

from vlbench.core.contracts import Model, Text
from vlbench.core.errors import Unsupported
from vlbench.models.ram.tag_decoder import blocks
from vlbench.models.ram.tag_lists import RAM_TEMPLATES, positions
from vlbench.models.ram.taggers import RamPlus, Tagger
from vlbench.models.shared.text_tower import PromptEncoder, SentenceReader, TextTower, tower_of

BANK_ROWS = 51
"""Sentences of a tag as published: one template and 50 descriptions; banks are a multiple of it long."""

_VOWELS = "aeiou"
_INTRODUCED = ("a", "the")
_TAGS_AT_ONCE = 256
"""Tags that are read together, which bounds the memory that their sentences' features take."""

OPEN_THRESHOLD = 0.5
"""The authors' probability above which a tag of an open vocabulary is present."""


@dataclass(frozen=True, slots=True, eq=False)
class ListedTags:
    """Tags of a model's own list: rows of its bank [n, ...], which stays on the CPU, mapped from its file."""

    model: str
    tags: tuple[Text, ...]
    vocabulary: str
    chosen: tuple[float, ...]
    bank: Tensor
    device: str

    def __call__(self, texts: Sequence[Text], *, batch_size: int) -> Tensor:  # noqa: ARG002 - looked up
        return self.bank[torch.tensor(self._places(texts), dtype=torch.long)].to(self.device)

    def thresholds(self, texts: Sequence[Text]) -> tuple[float, ...]:
        return tuple(self.chosen[place] for place in self._places(texts))

    def _places(self, texts: Sequence[Text]) -> list[int]:
        return positions(texts, [tag.name for tag in self.tags], self.vocabulary, self.model)


@dataclass(frozen=True, slots=True, eq=False)
class ReadTags(SentenceReader):
    """Tags of any name, read by a CLIP text tower in the authors' sentences."""

    tower: TextTower
    threshold: float
    rule: Callable[[Text], tuple[str, ...]]
    embed: Callable[..., Tensor]

    def __call__(self, texts: Sequence[Text], *, batch_size: int) -> Tensor:
        """RAM [m, 512]; RAM++ [m, k, 512], k a multiple of its descriptions, by the call's longest tag."""
        return self.embed(self.tower, texts, batch_size=batch_size)

    def thresholds(self, texts: Sequence[Text]) -> tuple[float, ...]:
        return (self.threshold,) * len(texts)

    def sentences(self, text: Text) -> tuple[str, ...]:
        return self.rule(text)


def read_by(model: Model, network: Tagger, *, name: str, threshold: float | None) -> ReadTags:
    """Tags of any name for a network, read by the text tower of a CLIP of the same width.

    Raises:
        Unsupported: the model has no such tower.
    """
    tower = tower_of(model)
    if tower is None or tower.dimensions != network.feature_width:
        raise Unsupported(
            f"{name}: its text_model {model.info.name} has no text tower of width {network.feature_width}; "
            "name the CLIP that the tagger was trained with (clip-b16)"
        )
    threshold = OPEN_THRESHOLD if threshold is None else threshold
    if isinstance(network, RamPlus):
        embed = partial(ram_plus_embeddings, rows=network.size.descriptions)
        return ReadTags(tower, threshold, ram_plus_sentences, embed)
    return ReadTags(tower, threshold, ram_sentences, ram_embeddings)


def ram_embeddings(tower: TextTower, texts: Sequence[Text], *, batch_size: int) -> Tensor:
    """RAM's embeddings [m, d] of tags: the unit mean of the unit features of 63 sentences a tag."""
    found = [torch.zeros(0, tower.dimensions, device=tower.placement.device)]
    for part in blocks(len(texts), _TAGS_AT_ONCE):
        asked = [Text(text.name, prompts=ram_sentences(text)) for text in texts[part]]
        found.append(PromptEncoder(tower)(asked, batch_size=batch_size))
    return torch.cat(found)


def ram_plus_embeddings(
    tower: TextTower, texts: Sequence[Text], *, batch_size: int, rows: int = BANK_ROWS
) -> Tensor:
    """RAM++'s bank [m, k, d] of tags: the unit features of each tag's sentences, in their order.

    Shorter lists end in rows of zeros. k is `rows`, 51 as published, or the next multiple of it where a
    tag of the call has more sentences.
    """
    longest = max((len(ram_plus_sentences(text)) for text in texts), default=1)
    length = -(-longest // rows) * rows
    bank = torch.zeros(len(texts), length, tower.dimensions, device=tower.placement.device)
    first = 0
    for part in blocks(len(texts), _TAGS_AT_ONCE):
        places: dict[str, int] = {}
        groups = [
            [places.setdefault(each, len(places)) for each in ram_plus_sentences(text)]
            for text in texts[part]
        ]
        features = tower.features(list(places), batch_size=batch_size)  # [p, d]
        starts = range(first, first + length * len(groups), length)
        filled = [
            start + row for start, group in zip(starts, groups, strict=True) for row in range(len(group))
        ]
        # by one copy: a device is waited for at each
        plan = torch.tensor([filled, [place for group in groups for place in group]]).to(bank.device)
        bank.flatten(0, 1)[plan[0]] = features[plan[1]]
        first = starts.stop
    return bank


def ram_sentences(text: Text) -> tuple[str, ...]:
    """RAM's sentences for a tag, of its name alone: the authors' templates, article and spelling.

    The article follows the name's first character as it is written, so that a capital takes "a".
    """
    name = text.name
    article = "an" if name[:1] and name[0] in _VOWELS else "a"
    spelled = name.replace("_", " ").replace("/", " or ").lower().rstrip(".")
    filled = [template.replace("{article}", article).replace("{}", spelled) for template in _templates()]
    return tuple(f"This is {each}" if each.startswith(_INTRODUCED) else each for each in filled)


def ram_plus_sentences(text: Text) -> tuple[str, ...]:
    """RAM++'s sentences for a tag: its descriptions verbatim, else one with its name as it is written.

    >>> ram_plus_sentences(Text("Aloe"))
    ('a photo of a Aloe.',)
    """
    return text.descriptions or (f"a photo of a {text.name}.",)


@lru_cache(maxsize=1)
def _templates() -> tuple[str, ...]:
    return tuple(RAM_TEMPLATES.read_text(encoding="utf-8").splitlines())
