"""Descriptions of tags, asked of a language model tag by tag; what is finished is on disk and stays."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Never

from vlbench.cards.descriptions import read_descriptions
from vlbench.core.files import write_atomically
from vlbench.tagging.chat import Chat
from vlbench.tagging.texts import read_tags

PROMPTS = Path(__file__).with_name("description_prompts.txt")
"""The questions of RAM++'s authors."""


@dataclass(frozen=True, slots=True)
class Described:
    """How it went: tags that were asked now, and tags that were finished before."""

    asked: int
    kept: int


def describe(tags: Path, out: Path, chat: Chat) -> Described:
    """Write {tag: [sentences]} for the tags of a file; the first sentence is "a photo of a TAG.".

    Tags that `out` has are neither asked again nor changed; it is written whole after every tag.

    Raises:
        DataError: a file cannot be read.
        EndpointError: the endpoint refuses; the tags before are written.
    """
    from tqdm import tqdm

    names = list(dict.fromkeys(text.name for text in read_tags(tags)))
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
    """The questions asked of each tag, `{}` standing for it."""
    lines = PROMPTS.read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))
