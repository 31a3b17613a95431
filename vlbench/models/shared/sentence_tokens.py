"""Tokens of sentences: as a text tower is given them, counted before they are cut, and told apart."""

import hashlib
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

Tokenizer = Callable[..., Tensor]
"""Turns prompts into token ids [p, context]; of another length if it is told `context_length`."""

Count = Callable[[Sequence[str]], Sequence[int]]
"""Tokens [p] of prompts before any is cut."""

_TOKENISED_AT_ONCE = 4096
_COUNTED_AT_ONCE = 2**20
"""Places of rows that are counted together."""
_MARKS = 4
"""Tokens at most that a tokenizer sets around the words."""


def tokenised(tokenizer: Tokenizer, prompts: Sequence[str]) -> Tensor:
    """Token ids [p, context] of prompts, a few thousand at a time."""
    starts = range(0, max(len(prompts), 1), _TOKENISED_AT_ONCE)
    return torch.cat([tokenizer(list(prompts[start : start + _TOKENISED_AT_ONCE])) for start in starts])


def too_long(tokenizer: Tokenizer, count: Count, prompts: Iterable[str]) -> list[str]:
    """Those of some prompts of which a tokenizer keeps the first tokens alone; `count` tells their tokens."""
    context = tokenizer([""]).shape[-1]
    # no token is shorter than a byte
    long = [prompt for prompt in dict.fromkeys(prompts) if len(prompt.encode()) + _MARKS > context]
    counts = count(long) if long else []
    return [prompt for prompt, tokens in zip(long, counts, strict=True) if tokens > context]


def token_counts(tokenizer: Tokenizer, prompts: Sequence[str]) -> list[int]:
    """Tokens [p] of prompts, marks of the beginning and the end included, before any is cut."""
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
    """The tokens [m] of the longest of each text's sentences; each sentence is counted once."""
    sentences = list(dict.fromkeys(sentence for text in texts for sentence in text))
    counts = dict(zip(sentences, count(sentences), strict=True))
    return [max(counts[sentence] for sentence in text) for text in texts]


def digests(tokenizer: Tokenizer, texts: Sequence[Sequence[str]]) -> list[str]:
    """Digests [m] of the token ids of texts' sentences, cut as they are read."""
    sentences = list(dict.fromkeys(sentence for text in texts for sentence in text))
    rows = dict(zip(sentences, tokenised(tokenizer, sentences), strict=True)) if sentences else {}
    return [digest_of_rows(rows[sentence] for sentence in text) for text in texts]


def digest_of_rows(rows: Iterable[Tensor]) -> str:
    """A digest of token ids, which is equal where they are."""
    state = hashlib.sha256()
    for row in rows:
        state.update(row.contiguous().cpu().numpy().data)
    return state.hexdigest()
