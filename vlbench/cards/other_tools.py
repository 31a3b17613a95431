"""Translates names of other tools into ours and back: data sets of CLIP_benchmark, weights of open_clip."""

import re
from collections.abc import Iterator

from vlbench.cards.catalogue import Catalogue
from vlbench.cards.folders import CardKind, Entry

ENGLISH = "en"
_WEBDATASET = "wds/"
"""The prefix of CLIP_benchmark for data sets that it reads from its web archives."""

_LANGUAGE = re.compile(r"(?P<task>.+)[-@](?P<language>[a-z]{2,3})")
_TAG = re.compile(r"[\w-]+")
_QUICK = "-quickgelu"
_ALWAYS_QUICK = "openai"
"""The tag whose weights open_clip runs with QuickGELU under both names of the architecture."""

_MTEB_ENDINGS = ("ZeroShot", "I2TRetrieval", "T2IRetrieval")
_SPOKEN = {"multilingual_mscoco_captions": "xtd10"}
"""The multilingual data sets of CLIP_benchmark whose files it also reads under another name."""

_REFERENCE = "open_clip"
_CLIP = "clip"


def card_of(catalogue: Catalogue, model: str, pretrained: str) -> str:
    """The card for an open_clip architecture and tag, or `open_clip:ARCH/TAG` without a card.

    Empty if the weights are a file or there is no tag, and no alias means the model.
    """
    alias = _named(catalogue, "/".join(filter(None, (model, pretrained))), "model")
    if alias or not _TAG.fullmatch(pretrained):
        return alias
    for entry in catalogue.models.values():
        stated = _weights(entry)
        if entry.kind == _CLIP and stated is not None and _plain(*stated) == _plain(model, pretrained):
            return entry.name
    return f"{_REFERENCE}:{model}/{pretrained}"


def task_of(catalogue: Catalogue, dataset: str, language: str = "") -> str:
    """The task for a data set in a language; empty without a card."""
    names = _spoken(catalogue, dataset, language) if language else _spelled(dataset)
    found = (_named(catalogue, name, "task") or _folded(catalogue, name) for name in names)
    return next(filter(None, found), "")


def title_of(task: str, catalogue: Catalogue) -> str:
    """The title of a task, or its name without a card."""
    entry = catalogue.tasks.get(task)
    return entry.title if entry is not None else task


def their_dataset(task: str, catalogue: Catalogue) -> tuple[str, str]:
    """CLIP_benchmark's name for a task's data set, and the language; the task's own name if it has none.

    `vlbench import clip_benchmark` maps them back to the task.
    """
    spoken = _LANGUAGE.fullmatch(task)
    if spoken is not None and spoken["language"] != ENGLISH:
        dataset, language = _in_archives(spoken["task"], catalogue), spoken["language"]
        if task_of(catalogue, dataset, language) == task:
            return dataset, language
    dataset = _in_archives(task, catalogue)
    return (dataset, ENGLISH) if task_of(catalogue, dataset) == task else (task, ENGLISH)


def their_weights(model: str, catalogue: Catalogue) -> tuple[str, str]:
    """The architecture and tag of a model in open_clip; its own name and no tag for other models."""
    entry = catalogue.models.get(model)
    if entry is None:
        prefix, mark, reference = model.partition(":")
        arch, slash, tag = reference.partition("/")
        return (arch, tag) if prefix == _REFERENCE and mark and slash and "+" not in tag else (model, "")
    stated = _weights(entry)
    return stated if stated is not None and card_of(catalogue, *stated) == model else (model, "")


def _in_archives(task: str, catalogue: Catalogue) -> str:
    entry = catalogue.tasks.get(task)
    aliases = entry.aliases if entry is not None else ()
    spelled = (alias.removeprefix(_WEBDATASET) for alias in aliases if alias.startswith(_WEBDATASET))
    return next(spelled, task)


def _spelled(dataset: str) -> Iterator[str]:
    yield dataset
    for ending in _MTEB_ENDINGS:
        if dataset.endswith(ending):
            yield dataset.removesuffix(ending)


def _spoken(catalogue: Catalogue, dataset: str, language: str) -> Iterator[str]:
    for name in filter(None, (dataset, _named(catalogue, dataset, "task"), _SPOKEN.get(dataset))):
        yield f"{name}-{language}"
        yield f"{name}@{language}"


def _named(catalogue: Catalogue, name: str, what: CardKind) -> str:
    if name in (catalogue.models if what == "model" else catalogue.tasks):
        return name
    meant = catalogue.meant_by(name, what)
    return meant[0] if len(meant) == 1 and name not in catalogue.collections else ""


def _folded(catalogue: Catalogue, name: str) -> str:
    """The task whose name, or else alias, has the same letters and digits; empty if several have."""
    wanted = _letters(name)
    entries = catalogue.tasks.values()
    named = {entry.name for entry in entries if _letters(entry.name) == wanted}
    meant = named or {entry.name for entry in entries if wanted in map(_letters, entry.aliases)}
    return meant.pop() if len(meant) == 1 else ""


def _weights(entry: Entry) -> tuple[str, str] | None:
    """The architecture and tag in a model's card."""
    settings = entry.fields.get("settings")
    known = (settings.get("arch"), settings.get("pretrained")) if isinstance(settings, dict) else ()
    return (str(known[0]), str(known[1])) if known and all(isinstance(each, str) for each in known) else None


def _plain(arch: str, tag: str) -> tuple[str, str]:
    return (arch.removesuffix(_QUICK) if tag == _ALWAYS_QUICK else arch), tag


def _letters(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
