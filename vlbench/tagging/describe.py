"""Descriptions of tags by a language model, tag by tag. Finished ones are on disk and stay."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Never

from vlbench.cards.descriptions import read_descriptions
from vlbench.core.files import write_atomically
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

    Tags in `out` are neither asked again nor changed. The file is written atomically after every tag.

    Raises:
        DataError: a file cannot be read.
        EndpointError: the endpoint refuses; earlier tags are written.
    """
    from tqdm import tqdm

    names = list(dict.fromkeys(text.name for text in read_tag_file(tags)))
    questions = read_questions()
    found = dict(read_descriptions(out)) if out.exists() else {}
    missing = [name for name in names if name not in found]
    kept = len(names) - len(missing)
    progress: tqdm[Never] = tqdm(
        total=len(names), initial=kept, unit="tag", desc="descriptions", disable=None
    )
    with progress:
        for name in missing:
            sentences = [f"a photo of a {name}."]
            for question in questions:
                sentences += chat.answers(question.replace("{}", name))
            found[name] = tuple(sentences)
            write_atomically(out, json.dumps(found, indent=1, ensure_ascii=False) + "\n")
            progress.update()
    return Described(len(missing), kept)


def read_questions() -> tuple[str, ...]:
    """The questions about each tag; `{}` is the tag."""
    lines = PROMPTS.read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))
