"""Descriptions of tags by a language model, tag by tag. Finished ones are on disk and stay."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Never

from vlbench.cards.descriptions import read_descriptions
from vlbench.core.files import passing, write_atomically
from vlbench.tagging.chat import Chat
from vlbench.tagging.texts import read_tag_file

PROMPTS = Path(__file__).with_name("description_prompts.txt")
"""The questions of RAM++'s authors."""


@dataclass(frozen=True, slots=True)
class Described:
    """How many tags were described now, and how many before."""

    asked: int
    kept: int


def describe(tags: Path, out: Path, chat: Chat) -> Described:
    """Write {tag: [sentences]} for the tags of a file; the first sentence is "a photo of a TAG.".

    Tags that `out` has are neither asked again nor changed; it is written whole after every tag. Answers to
    the questions of an unfinished tag lie beside it, in a file that ends in `.part`, and are not asked again.

    Raises:
        DataError: a file cannot be read.
        EndpointError: the endpoint refuses; what came before is written.
        OSError: `out` cannot be written, which is tried before anything is asked.
    """
    from tqdm import tqdm

    names = list(dict.fromkeys(text.name for text in read_tag_file(tags)))
    questions = read_questions()
    found = dict(read_descriptions(out)) if out.exists() else {}
    missing = [name for name in names if name not in found]
    kept = len(names) - len(missing)
    if missing:
        with passing(out):
            pass
    part = out.with_name(f"{out.name}.part")
    answered = dict(read_descriptions(part)) if part.exists() else {}
    progress: tqdm[Never] = tqdm(
        total=len(names), initial=kept, unit="tag", desc="descriptions", disable=None
    )

    def keep(question: str, texts: list[str]) -> None:
        answered[question] = tuple(texts)
        _write(part, answered)

    with progress:
        for name in missing:
            sentences = [f"a photo of a {name}."]
            for question in questions:
                asked = question.replace("{}", name)
                sentences += chat.answers(asked, answered.get(asked, ()), partial(keep, asked))
            found[name] = tuple(sentences)
            _write(out, found)
            answered.clear()
            part.unlink(missing_ok=True)
            progress.update()
    return Described(len(missing), kept)


def _write(path: Path, found: Mapping[str, Sequence[str]]) -> None:
    write_atomically(path, json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def read_questions() -> tuple[str, ...]:
    """The questions about each tag; `{}` is the tag."""
    lines = PROMPTS.read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))
