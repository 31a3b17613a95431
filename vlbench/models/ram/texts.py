"""The text side of taggers: rows of a model's own list, or of any tags that a CLIP text tower reads.

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
"""The number of sentences per tag as published: one template and 50 descriptions. Banks have a multiple of
it."""

_VOWELS = "aeiou"
_INTRODUCED = ("a", "the")
_TAGS_AT_ONCE = 256
"""How many tags are encoded together; it bounds the memory for the features of their sentences."""

OPEN_THRESHOLD = 0.5
"""The authors' threshold for tags of an open vocabulary, a probability."""


@dataclass(frozen=True, slots=True, eq=False)
class ListedTags:
    """The tags of a model's own list: rows of its bank [n, ...], which stays memory-mapped on the CPU."""

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
    """Tags with any name, encoded by a CLIP text tower in the authors' sentences."""

    tower: TextTower
    threshold: float
    rule: Callable[[Text], tuple[str, ...]]
    embed: Callable[..., Tensor]

    def __call__(self, texts: Sequence[Text], *, batch_size: int) -> Tensor:
        """Features [m, 512] for RAM.

        [m, k, 512] for RAM++, where k is a multiple of BANK_ROWS that fits the longest tag.
        """
        return self.embed(self.tower, texts, batch_size=batch_size)

    def thresholds(self, texts: Sequence[Text]) -> tuple[float, ...]:
        return (self.threshold,) * len(texts)

    def sentences(self, text: Text) -> tuple[str, ...]:
        return self.rule(text)


def read_by(model: Model, network: Tagger, *, name: str, threshold: float | None) -> ReadTags:
    """The text side for tags with any name, encoded by the text tower of a CLIP of the same width.

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
    """RAM's embeddings [m, d] of tags: the normalised mean of the unit features of 63 sentences per tag."""
    found = [torch.zeros(0, tower.dimensions, device=tower.placement.device)]
    for part in blocks(len(texts), _TAGS_AT_ONCE):
        asked = [Text(text.name, prompts=ram_sentences(text)) for text in texts[part]]
        found.append(PromptEncoder(tower)(asked, batch_size=batch_size))
    return torch.cat(found)


def ram_plus_embeddings(
    tower: TextTower, texts: Sequence[Text], *, batch_size: int, rows: int = BANK_ROWS
) -> Tensor:
    """RAM++'s bank [m, k, d] of tags: the unit features of each tag's sentences, in order.

    Shorter lists are padded with zeros. k is `rows`, 51 as published, or the next multiple of it if a tag has
    more sentences.
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
    """RAM's sentences for a tag, from its name: the authors' templates, with their article and spelling.

    The article depends on the first character as written, so a capital letter takes "a".
    """
    name = text.name
    article = "an" if name[:1] and name[0] in _VOWELS else "a"
    spelled = name.replace("_", " ").replace("/", " or ").lower().rstrip(".")
    filled = [template.replace("{article}", article).replace("{}", spelled) for template in _templates()]
    return tuple(f"This is {each}" if each.startswith(_INTRODUCED) else each for each in filled)


def ram_plus_sentences(text: Text) -> tuple[str, ...]:
    """RAM++'s sentences for a tag: its descriptions verbatim, else one sentence with its name as written.

    >>> ram_plus_sentences(Text("Aloe"))
    ('a photo of a Aloe.',)
    """
    return text.descriptions or (f"a photo of a {text.name}.",)


@lru_cache(maxsize=1)
def _templates() -> tuple[str, ...]:
    return tuple(RAM_TEMPLATES.read_text(encoding="utf-8").splitlines())
