"""A CLIP with a learned context: the image side is unchanged, the text tower reads words and context."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from vlbench.core.contracts import Checkpoint, Model, Placement, Text
from vlbench.core.errors import Unsupported, WeightsError
from vlbench.core.files import remembered
from vlbench.models.coop.context import (
    TENSOR,
    ContextFacts,
    Position,
    backbone_digest,
    read_facts,
    read_vectors,
)
from vlbench.models.coop.prompts import ROOM, plain_prompts, prompt_rows, spoken_name
from vlbench.models.shared.causal_text import pooling_of, token_table
from vlbench.models.shared.dual_encoder import DualEncoder
from vlbench.models.shared.sentence_tokens import digest_of_rows
from vlbench.models.shared.text_tower import SentenceReader, TextTower, tower_of

_SHOWN = 12
"""How many hexadecimal digits of a digest a message shows."""


@dataclass(frozen=True)  # no slots: cached_property
class ClassIndex:
    """The classes that a context file has vectors for, in the file's order."""

    path: Path
    classes: tuple[Text, ...]

    def position(self, text: Text) -> int:
        """The position of a text's class, by name if no id differs; of several with this name, by id.

        An id alone is not enough: folder or label `0` is a different class in every data set.

        Raises:
            Unsupported: the file has no such class, or several that cannot be told apart.
        """
        named = [
            place
            for place in self._places.get(spoken_name(text.name), [])
            if not _differ(text, self.classes[place])
        ]
        if len(named) > 1:
            named = [place for place in named if text.ids.items() & self.classes[place].ids.items()]
        if len(named) == 1:
            return named[0]
        raise Unsupported(
            f"{self.path}: class-specific; {text.name!r} is none of the {len(self.classes)} classes it "
            f"was learned on ({', '.join(each.name for each in self.classes[:3])} ...); run it on their "
            "task, or take a unified context"
        )

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = {}
        for place, text in enumerate(self.classes):
            places.setdefault(spoken_name(text.name), []).append(place)
        return places


def _differ(text: Text, other: Text) -> bool:
    """Whether two texts have different ids in one vocabulary."""
    return any(other.ids.get(vocabulary, id_) != id_ for vocabulary, id_ in text.ids.items())


@dataclass(frozen=True, slots=True, eq=False)
class ContextEncoder(SentenceReader):
    """A TextEncoder of dual_encoder.py: features of texts' names in a learned context.

    `vectors` is [n, w], or [c, n, w] with one context for each of `classes`.
    """

    tower: TextTower
    vectors: Tensor
    position: Position
    classes: ClassIndex | None = None

    def __call__(self, texts: Sequence[Text], *, batch_size: int) -> Tensor:
        words = token_table(self.tower.model)
        rows, lengths = self._rows(texts)
        # a table of what is used: all of a CLIP's words beside a context would be a copy of 100 MB
        used, rows = torch.unique(rows, return_inverse=True)
        is_word = used < len(words)
        table = torch.cat(
            [
                words[used[is_word].to(words.device)],
                self.vectors.flatten(0, -2)[(used[~is_word] - len(words)).to(words.device)],
            ]
        )
        return self.tower.table_features(table, rows, lengths, batch_size=batch_size)

    def sentences(self, text: Text) -> tuple[str, ...]:
        """The prompt of a text's name, with a word for each token of the context."""
        return tuple(plain_prompts([text.name], self.vectors.shape[-2]))

    def token_digests(self, texts: Sequence[Text]) -> list[str]:
        """Digests [m] of the tokens that are read from each text's prompt, including those of the context."""
        return [digest_of_rows([row]) for row in self._rows(texts)[0]]

    def _rows(self, texts: Sequence[Text]) -> tuple[Tensor, Tensor]:
        """Token ids [m, context] of prompts, and how many of each are read [m].

        The context has the highest ids.
        """
        n_ctx, words = self.vectors.shape[-2], len(token_table(self.tower.model))
        owners = [0 if self.classes is None else self.classes.position(text) for text in texts]
        return prompt_rows(
            self.tower.tokenizer,
            [text.name for text in texts],
            n_ctx=n_ctx,
            position=self.position,
            first=[words + n_ctx * owner for owner in owners],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """A learned context and its file; `vectors` are [n, w] or [c, n, w] in float32."""

    path: Path
    facts: ContextFacts
    vectors: Tensor


def load_coop(
    base: Checkpoint, path: Path, *, name: str, placement: Placement, cache: Path | None
) -> DualEncoder:
    """Load the base model on a device, with the context of a file in its text tower.

    Raises:
        Unsupported: the base has no text tower for a context.
        WeightsError: the file is not a context file, or the context does not fit the base.
    """
    context = Context(path, read_facts(path), read_vectors(path))
    model = base.load(placement)
    tower = context_tower(model, base.name)
    check_fits(context, tower, base, cache)
    assert isinstance(model, DualEncoder)
    facts, vectors = context.facts, context.vectors.to(placement.device)
    classes = ClassIndex(path, facts.classes) if facts.class_specific else None
    info = replace(
        model.info,
        name=name,
        parameters=model.info.parameters + vectors.numel(),
        changes=tuple(f"base {base.name}: {each}" for each in model.info.changes),
    )
    return replace(model, info=info, text_encoder=ContextEncoder(tower, vectors, facts.position, classes))


def context_tower(model: Model, name: str) -> TextTower:
    """The text tower of a model, for a context.

    Raises:
        Unsupported: the model has none.
    """
    tower = tower_of(model)
    if tower is not None and tower.reads_trees and pooling_of(tower.model)[0] == "argmax":
        return tower
    raise Unsupported(
        f"{name}: no base for a learned context, which stands in a causal text tower that is read at its "
        "largest token; name a CLIP"
    )


def check_fits(context: Context, tower: TextTower, base: Checkpoint, cache: Path | None) -> None:
    """Check a context against a base's text tower: width, context length and, if stated, digest.

    Raises:
        WeightsError: it does not fit.
    """
    path, facts = context.path, context.facts
    count, width = context.vectors.shape[-2:]
    own = token_table(tower.model).shape[1]
    if width != own:
        raise WeightsError(
            f"{path}: {TENSOR} is {width} wide, the token embeddings of {base.name} {own}; "
            f"take the model it was learned on ({facts.base})"
        )
    room = tower.tokenizer([""]).shape[1] - ROOM
    if count > room:
        raise WeightsError(
            f"{path}: {TENSOR} has {count} tokens, a prompt of {base.name} has room for {room}; "
            f"take the model it was learned on ({facts.base})"
        )
    if facts.backbone and (found := known_digest(tower, base, cache)) != facts.backbone:
        raise WeightsError(
            f"{path}: learned in the text tower of {facts.base} (digest {facts.backbone[:_SHOWN]}); that of "
            f"{base.name} is another ({found[:_SHOWN]}); take the model it was learned on"
        )


def known_digest(tower: TextTower, base: Checkpoint, cache: Path | None) -> str:
    """The digest of a base's text tower, computed once for each state of its weights and code."""
    key = f"backbone|{base.identify().text}"
    return remembered(key, cache, lambda: backbone_digest(tower.model))
