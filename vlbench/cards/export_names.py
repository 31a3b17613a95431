"""Our names as other tools spell them: a task as CLIP_benchmark's data set, a card as open_clip's weights."""

import re

from vlbench.cards.catalogue import Catalogue
from vlbench.cards.their_names import TheirNames

ENGLISH = "en"
_WEBDATASET = "wds/"
"""What CLIP_benchmark puts before a data set's name where it reads the set from its web archives."""

_LANGUAGE = re.compile(r"(?P<task>.+)[-@](?P<language>[a-z]{2,3})")


def title_of(task: str, catalogue: Catalogue) -> str:
    """A task's title, its name where no card stands for it."""
    entry = catalogue.tasks.get(task)
    return entry.title if entry is not None else task


def their_dataset(task: str, catalogue: Catalogue) -> tuple[str, str]:
    """CLIP_benchmark's name of a task's data set, and the language; the task's own name where it has none.

    What `vlbench import clip_benchmark` reads of them is the task again.
    """
    names = TheirNames(catalogue)
    spoken = _LANGUAGE.fullmatch(task)
    if spoken is not None and spoken["language"] != ENGLISH:
        dataset, language = _spelled(spoken["task"], catalogue), spoken["language"]
        if names.task_of(dataset, language) == task:
            return dataset, language
    dataset = _spelled(task, catalogue)
    return (dataset, ENGLISH) if names.task_of(dataset) == task else (task, ENGLISH)


def their_weights(model: str, catalogue: Catalogue) -> tuple[str, str]:
    """open_clip's architecture and tag of a model; its own name and no tag where it is not of open_clip."""
    from vlbench.cards.card_file import parse_card
    from vlbench.cards.schema import ModelCard

    entry = catalogue.models.get(model)
    if entry is None:
        prefix, mark, reference = model.partition(":")
        arch, slash, tag = reference.partition("/")
        return (arch, tag) if prefix == "open_clip" and mark and slash and "+" not in tag else (model, "")
    settings = parse_card(entry.path, ModelCard).settings
    known = settings.get("arch"), settings.get("pretrained")
    if isinstance(known[0], str) and isinstance(known[1], str):
        found = known[0], known[1]
        if TheirNames(catalogue).card_of(*found) == model:
            return found
    return model, ""


def _spelled(task: str, catalogue: Catalogue) -> str:
    entry = catalogue.tasks.get(task)
    aliases = entry.aliases if entry is not None else ()
    spelled = (alias.removeprefix(_WEBDATASET) for alias in aliases if alias.startswith(_WEBDATASET))
    return next(spelled, task)
