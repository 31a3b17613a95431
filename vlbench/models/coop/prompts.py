"""CoOp's prompts as rows of tokens: learned context in front of, around or behind a class's name."""

from collections.abc import Sequence

import torch
from torch import Tensor

from vlbench.models.coop.context import Position
from vlbench.models.shared.sentence_tokens import Tokenizer, tokenised

_PLACEHOLDER = "X"
"""The word that stands for one context token while a prompt is tokenised; one token in CLIP's BPE."""

ROOM = 3
"""Tokens of a prompt beside its context, at least: begin, one of the name, end."""


def prompt_rows(
    tokenizer: Tokenizer, names: Sequence[str], *, n_ctx: int, position: Position, first: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Token ids [c, context] of class prompts, and how many of each count [c], the pooled one included.

    Context token j of class i is the id `first[i]` + j; all others are the tokenizer's. A prompt is
    `X X ... X name.` and its feature is read where the largest id of that stands, wherever the context
    goes. A name that ends in punctuation can merge with the full stop, and then `middle` and `front` cut
    the prompt at another token than the name's last: the authors' code does so too. One that is too
    long is cut as the tokenizer cuts it. CoOp, trainers/coop.py, PromptLearner.
    """
    spoken = [spoken_name(name) for name in names]
    plain = tokenised(tokenizer, plain_prompts(names, n_ctx))  # [c, context]
    lengths = plain.argmax(dim=-1) + 1
    behind = torch.arange(plain.shape[1] - 1 - n_ctx)
    in_name = behind < name_lengths(tokenizer, spoken).clamp(max=len(behind) - 1)[:, None]
    tokens = torch.arange(n_ctx).expand(len(spoken), -1)  # [c, n_ctx]
    # where each token goes: begin, context before the name, the name, context behind it, the rest
    places = torch.cat(
        [
            torch.zeros(len(spoken), 1, dtype=torch.long),
            torch.where(tokens < _before_name(position, n_ctx), 1, 3),
            torch.where(in_name, 2, 4),
        ],
        dim=1,
    )
    context = torch.tensor(list(first), dtype=plain.dtype).reshape(-1, 1) + tokens
    rows = torch.cat([plain[:, :1], context, plain[:, 1 + n_ctx :]], dim=1)
    return rows.gather(1, places.argsort(dim=1, stable=True)), lengths


def plain_prompts(names: Sequence[str], n_ctx: int) -> list[str]:
    """The prompts of classes with a word in the place of each token of a context."""
    return [f"{_PLACEHOLDER} " * n_ctx + f"{spoken_name(name)}." for name in names]


def name_lengths(tokenizer: Tokenizer, names: Sequence[str]) -> Tensor:
    """How many tokens [c] each name alone is, without begin and end."""
    return tokenised(tokenizer, names).argmax(dim=-1) - 1


def spoken_name(name: str) -> str:
    """A class's name as a prompt holds it: underscores are blanks."""
    return name.replace("_", " ")


def _before_name(position: Position, n_ctx: int) -> int:
    """Context tokens that stand before the name; of an odd number `middle` puts the smaller half there."""
    counts: dict[Position, int] = {"end": n_ctx, "middle": n_ctx // 2, "front": 0}
    return counts[position]
