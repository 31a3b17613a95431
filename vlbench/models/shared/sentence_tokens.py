"""Tokens of sentences: as a text tower gets them, counted before truncation, and compared."""

import hashlib
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

Tokenizer = Callable[..., Tensor]
"""A function from prompts to token ids [p, context]; with `context_length`, of another length."""

Count = Callable[[Sequence[str]], Sequence[int]]
"""A function from prompts to their numbers of tokens [p] before truncation."""

_TOKENISED_AT_ONCE = 4096
_COUNTED_AT_ONCE = 2**20
"""How many token places are counted together."""
_MARKS = 4
"""The most tokens that a tokenizer adds around the words."""


def tokenised(tokenizer: Tokenizer, prompts: Sequence[str]) -> Tensor:
    """Token ids [p, context] of prompts, a few thousand at a time."""
    starts = range(0, max(len(prompts), 1), _TOKENISED_AT_ONCE)
    return torch.cat([tokenizer(list(prompts[start : start + _TOKENISED_AT_ONCE])) for start in starts])


def too_long(tokenizer: Tokenizer, count: Count, prompts: Iterable[str]) -> list[str]:
    """The prompts that a tokenizer truncates; `count` counts their tokens."""
    context = tokenizer([""]).shape[-1]
    # no token is shorter than a byte
    long = [prompt for prompt in dict.fromkeys(prompts) if len(prompt.encode()) + _MARKS > context]
    counts = count(long) if long else []
    return [prompt for prompt, tokens in zip(long, counts, strict=True) if tokens > context]


def token_counts(tokenizer: Tokenizer, prompts: Sequence[str]) -> list[int]:
    """The numbers of tokens [p] of prompts before truncation, with the start and end tokens."""
    # as the tokenizer fills up rows of nothing and of a letter
    nothing, letter = tokenizer(["", "a"], context_length=2 * _MARKS).tolist()
    filling = nothing[-1]
    # where the two end in one mark, what comes behind it is no mark
    last = [next((each for each in reversed(row) if each != filling), None) for row in (nothing, letter)]
    ends = last[0] is None or last[0] != last[1]
    places: dict[int, list[int]] = {}
    for place, prompt in enumerate(prompts):
        places.setdefault(1 << (len(prompt.encode()) + _MARKS).bit_length(), []).append(place)
    counts = [0] * len(prompts)
    for room, alike in places.items():
        size = max(1, _COUNTED_AT_ONCE // room)
        for start in range(0, len(alike), size):
            part = alike[start : start + size]
            rows = tokenizer([prompts[place] for place in part], context_length=room)
            words = rows.ne(filling)  # [p, room]
            trailing = words.flip(1).int().argmax(dim=1).where(words.any(dim=1), rows.shape[1])
            for place, count in zip(part, (rows.shape[1] - trailing + int(ends)).tolist(), strict=True):
                counts[place] = count
    return counts


def longest(count: Count, texts: Sequence[Sequence[str]]) -> list[int]:
    """The number of tokens [m] of each text's longest sentence; each sentence is counted once."""
    sentences = list(dict.fromkeys(sentence for text in texts for sentence in text))
    counts = dict(zip(sentences, count(sentences), strict=True))
    return [max(counts[sentence] for sentence in text) for text in texts]


def digests(tokenizer: Tokenizer, texts: Sequence[Sequence[str]]) -> list[str]:
    """Digests [m] of the token ids of each text's sentences, truncated as they are read."""
    sentences = list(dict.fromkeys(sentence for text in texts for sentence in text))
    rows = dict(zip(sentences, tokenised(tokenizer, sentences), strict=True)) if sentences else {}
    return [digest_of_rows(rows[sentence] for sentence in text) for text in texts]


def digest_of_rows(rows: Iterable[Tensor]) -> str:
    """A digest of token ids."""
    state = hashlib.sha256()
    for row in rows:
        state.update(row.contiguous().cpu().numpy().data)
    return state.hexdigest()
