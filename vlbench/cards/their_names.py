"""Names of other tools as ours: a model and its weights as a card, a data set as a task."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from vlbench.cards.catalogue import Catalogue
from vlbench.cards.folders import CardKind, Entry

_TAG = re.compile(r"[\w-]+")
_QUICK = "-quickgelu"
_ALWAYS_QUICK = "openai"
"""The tag whose weights open_clip runs with QuickGELU under either name of the architecture."""

_MTEB_ENDINGS = ("ZeroShot", "I2TRetrieval", "T2IRetrieval")
_SPOKEN = {"multilingual_mscoco_captions": "xtd10"}
"""CLIP_benchmark's data sets of many languages whose files it reads under another name as well."""

_REFERENCE = "open_clip"
_CLIP = "clip"


@dataclass(slots=True)
class TheirNames:
    """What other tools' names stand for among the cards; each is looked up once."""

    catalogue: Catalogue
    _cards: dict[tuple[str, str], str] = field(default_factory=dict)
    _tasks: dict[tuple[str, str], str] = field(default_factory=dict)

    def card_of(self, model: str, pretrained: str) -> str:
        """The card of an open_clip architecture and tag, `open_clip:ARCH/TAG` where none has them.

        Empty where the weights are a file or no tag is given, and no alias stands for the model.
        """
        key = (model, pretrained)
        if key not in self._cards:
            self._cards[key] = self._card(model, pretrained)
        return self._cards[key]

    def task_of(self, dataset: str, language: str = "") -> str:
        """The task of a data set, in a language; empty where no card stands for it."""
        key = (dataset, language)
        if key not in self._tasks:
            names = self._spoken(dataset, language) if language else self._spelled(dataset)
            found = (self._named(name, "task") or self._folded(name) for name in names)
            self._tasks[key] = next(filter(None, found), "")
        return self._tasks[key]

    def _spelled(self, dataset: str) -> Iterator[str]:
        yield dataset
        for ending in _MTEB_ENDINGS:
            if dataset.endswith(ending):
                yield dataset.removesuffix(ending)

    def _spoken(self, dataset: str, language: str) -> Iterator[str]:
        for name in filter(None, (dataset, self._named(dataset, "task"), _SPOKEN.get(dataset))):
            yield f"{name}-{language}"
            yield f"{name}@{language}"

    def _card(self, model: str, pretrained: str) -> str:
        alias = self._named("/".join(filter(None, (model, pretrained))), "model")
        if alias or not _TAG.fullmatch(pretrained):
            return alias
        wanted = _plain(model, pretrained)
        for entry in self.catalogue.models.values():
            if entry.kind == _CLIP and _recipe(entry, pretrained) == wanted:
                return entry.name
        return f"{_REFERENCE}:{model}/{pretrained}"

    def _named(self, name: str, what: CardKind) -> str:
        if name in (self.catalogue.models if what == "model" else self.catalogue.tasks):
            return name
        meant = self.catalogue.stands_for.get(what, {}).get(name, ())
        return meant[0] if len(meant) == 1 and name not in self.catalogue.collections else ""

    def _folded(self, name: str) -> str:
        """The task whose name, else alias, has the same letters and digits; empty where several have."""
        wanted = _letters(name)
        entries = self.catalogue.tasks.values()
        named = {entry.name for entry in entries if _letters(entry.name) == wanted}
        meant = named or {entry.name for entry in entries if wanted in map(_letters, entry.aliases)}
        return meant.pop() if len(meant) == 1 else ""


def _recipe(entry: Entry, pretrained: str) -> tuple[str, str] | None:
    """The architecture and tag that a card names; a card that does not hold the tag's word is not read."""
    if pretrained not in entry.path.read_text(encoding="utf-8"):
        return None
    from vlbench.cards.card_file import parse_card
    from vlbench.cards.schema import ModelCard

    settings = parse_card(entry.path, ModelCard).settings
    arch, tag = settings.get("arch"), settings.get("pretrained")
    return _plain(arch, tag) if isinstance(arch, str) and isinstance(tag, str) else None


def _plain(arch: str, tag: str) -> tuple[str, str]:
    return (arch.removesuffix(_QUICK) if tag == _ALWAYS_QUICK else arch), tag


def _letters(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
