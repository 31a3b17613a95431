"""Descriptions: a JSON file with sentences for each tag or class, which replace the prompts verbatim."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from vlbench.core.contracts import Text
from vlbench.core.errors import DataError
from vlbench.core.files import shown
from vlbench.core.json_text import parsed_json
from vlbench.core.text_file import named_missing, read_text

Descriptions = Mapping[str, tuple[str, ...]]
"""Sentences by name."""

_FORM = '{"name": ["sentence", ...], ...}'


def read_descriptions(path: Path) -> dict[str, tuple[str, ...]]:
    """Read sentences by tag from `{tag: [sentences]}`, or from RAM++'s list `[{tag: [sentences]}, ...]`.

    Raises:
        DataError: the file cannot be read or has another form, a tag is repeated or has no sentence.
    """
    where = shown(path)
    # an object is a tuple of its pairs, so that a key that stands twice is seen
    content = parsed_json(read_text(path), where, f"it has to be {_FORM}", objects=tuple)
    items = content if isinstance(content, list) else [content]
    found: dict[str, tuple[str, ...]] = {}
    for item in items:
        if not isinstance(item, tuple):
            raise DataError(f"{where}: {_quoted(item)} is no object; the file has to be {_FORM}")
        for tag, sentences in item:
            if tag in found:
                raise DataError(f"{where}: {tag!r} stands twice; put all of its sentences into one list")
            found[tag] = _sentences(sentences, f"{where}: {tag!r}")
    if not found:
        raise DataError(f"{where}: describes nothing; it has to be {_FORM}")
    return found


def described(texts: Sequence[Text], descriptions: Descriptions, where: str) -> tuple[Text, ...]:
    """Texts with their descriptions, found by name (spaces equal underscores); prompts are dropped.

    Raises:
        DataError: a text has no description; the message names the first ones.
    """
    spaced = {tag.replace("_", " "): sentences for tag, sentences in descriptions.items()}
    found = []
    missing: list[str] = []
    for text in texts:
        sentences = descriptions.get(text.name) or spaced.get(text.name.replace("_", " "))
        if sentences is None:
            missing.append(text.name)
            continue
        found.append(replace(text, prompts=(), descriptions=sentences))
    if missing:
        raise DataError(
            f"{where}: {len(missing)} of {len(texts)} names have no description: "
            f"{named_missing(missing, descriptions)}; add sentences for them"
        )
    return tuple(found)


def unasked(texts: Iterable[Text], path: Path | None) -> tuple[str, ...]:
    """A remark on descriptions in a user's file that match no text; none if all do."""
    if path is None:
        return ()
    names = {text.name.replace("_", " ") for text in texts}
    others = [tag for tag in read_descriptions(path) if tag.replace("_", " ") not in names]
    if not others:
        return ()
    return (f"{len(others):,} descriptions of {shown(path)} are of no name that is asked: {others[0]!r}",)


def _sentences(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise DataError(f"{where}: {_quoted(value)} is no list; write its sentences as a list of strings")
    if not value:
        raise DataError(f"{where}: has no sentence; write one, or remove the tag")
    for sentence in value:
        if not isinstance(sentence, str) or not sentence.strip():
            raise DataError(f"{where}: {_quoted(sentence)} is no sentence; write a string that is not empty")
    return tuple(value)


def _quoted(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
