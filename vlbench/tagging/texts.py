"""The tags that images are scored on: a model's own list or the user's file, and their names."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from vlbench.cards.catalogue import Catalogue
from vlbench.cards.texts import read_classnames, read_templates
from vlbench.core.capabilities import OffersTags
from vlbench.core.contracts import Model, Text
from vlbench.core.errors import CardError, DataError, Unsupported
from vlbench.core.protocol import asked

Language = Literal["en", "zh"]
CHINESE = "zh"
"""The id that holds a text's Chinese name."""
_TEMPLATES = Path("templates") / "own-tagging.txt"
_SHOWN = 3
"""How many tags an error names."""


def read_tag_file(path: Path) -> tuple[Text, ...]:
    """Read tags from a file: one per line, or a .tsv with the columns `name` and vocabularies of ids.

    Raises:
        CardError: the file cannot be read, or has another layout.
        DataError: a tag is repeated, and not every copy has an id.
    """
    texts = read_classnames(path)
    seen: dict[str, list[Text]] = {}
    for text in texts:
        seen.setdefault(text.name, []).append(text)
    for name, same in seen.items():
        if len(same) > 1 and not all(text.ids for text in same):
            raise DataError(
                f"{path}: the tag {name!r} stands {len(same)} times; leave it once, or give each an id "
                "in a .tsv"
            )
    return texts


def texts_for(model: Model, given: Sequence[Text] | None) -> tuple[Text, ...]:
    """The texts that a model scores: the given ones, else its own list.

    A given tag whose name is in the model's list once takes its ids (and Chinese name).

    Raises:
        Unsupported: no tags are given, and the model has no list.
    """
    own = model.tags() if isinstance(model, OffersTags) else ()
    if given is None:
        if not own:
            raise Unsupported(
                f"{model.info.name} has no tag list of its own; give it one: --tags FILE, a tag a line or a "
                ".tsv with ids"
            )
        return own
    places: dict[str, list[Text]] = {}
    for text in own:
        places.setdefault(text.name, []).append(text)
    return tuple(_with_known_ids(text, places.get(text.name, ())) for text in given)


def check_reads_descriptions(model: Model) -> None:
    """Raise Unsupported for a model with its own tags only, which descriptions would not change."""
    if isinstance(model, OffersTags):
        raise Unsupported(
            f"--descriptions: {model.info.name} scores the tags of its own list and reads no descriptions; "
            "leave them out, or take a model of open vocabulary (ram-plus-open, clip-b16)"
        )


def with_prompts(texts: Sequence[Text], catalogue: Catalogue) -> tuple[Text, ...]:
    """Fill texts into the packaged templates for tagging. A text with descriptions keeps only these.

    Raises:
        CardError: the packaged file is missing.
    """
    for folder in catalogue.task_folders:
        if (folder / _TEMPLATES).is_file():
            templates = read_templates(folder / _TEMPLATES)
            return tuple(asked(text, templates) for text in texts)
    raise CardError(f"{_TEMPLATES}: in no folder of task cards; install vlbench again")


def split_names(language: Language, texts: Sequence[Text]) -> tuple[str, ...]:
    """The names of texts in a language.

    Raises:
        Unsupported: a text has no Chinese name; the message names the first ones.
    """
    if language == "en":
        return tuple(text.name for text in texts)
    missing = [text.name for text in texts if not text.ids.get(CHINESE)]
    if missing:
        first = ", ".join(map(repr, missing[:_SHOWN])) + " ..." * (len(missing) > _SHOWN)
        raise Unsupported(
            f"--language zh: {len(missing)} of {len(texts)} tags have no Chinese name ({first}); "
            "use --language en, or --tags with a .tsv that has a column zh"
        )
    return tuple(text.ids[CHINESE] for text in texts)


def id_of(text: Text) -> str | None:
    """A text's id in its first vocabulary; None if it has none."""
    return next((value for key, value in text.ids.items() if key != CHINESE), None)


def _with_known_ids(text: Text, same_name: Sequence[Text]) -> Text:
    if len(same_name) != 1:
        return text
    known = same_name[0].ids
    if any(known.get(key, value) != value for key, value in text.ids.items() if key != CHINESE):
        return text  # its ids say that it is another tag
    return replace(text, ids={**known, **text.ids})
