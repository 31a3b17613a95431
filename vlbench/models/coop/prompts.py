"""CoOp's prompts as token rows: a learned context before, around or after a class name."""

from collections.abc import Sequence

import torch
from torch import Tensor

from vlbench.models.coop.context import Position
from vlbench.models.shared.sentence_tokens import Tokenizer, tokenised

_PLACEHOLDER = "X"
"""The placeholder for one context token during tokenisation; it is one token in CLIP's BPE."""

ROOM = 3
"""The fewest tokens of a prompt besides its context: begin, one of the name, end."""


def prompt_rows(
    tokenizer: Tokenizer, names: Sequence[str], *, n_ctx: int, position: Position, first: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Token ids [c, context] of class prompts, and how many of each are read [c], including the pooled one.

    Context token j of class i has the id `first[i]` + j; all other ids are the tokenizer's. A prompt is `X X
    ... X name.`, and its feature is read at the position of its largest id, whatever the position of the
    context. A name that ends in punctuation can merge with the full stop; then `middle` and `front` split the
    prompt at another token than the name's last, as in the authors' code. Prompts that are too long are
    truncated by the tokenizer. Source: CoOp, trainers/coop.py, PromptLearner.
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
    """The prompts of classes with a placeholder word for each context token."""
    return [f"{_PLACEHOLDER} " * n_ctx + f"{spoken_name(name)}." for name in names]


def name_lengths(tokenizer: Tokenizer, names: Sequence[str]) -> Tensor:
    """How many tokens [c] each name has, without begin and end."""
    return tokenised(tokenizer, names).argmax(dim=-1) - 1


def spoken_name(name: str) -> str:
    """A class name as in a prompt: underscores become blanks."""
    return name.replace("_", " ")


def _before_name(position: Position, n_ctx: int) -> int:
    """How many context tokens are before the name; `middle` puts the smaller half of an odd number there."""
    counts: dict[Position, int] = {"end": n_ctx, "middle": n_ctx // 2, "front": 0}
    return counts[position]
