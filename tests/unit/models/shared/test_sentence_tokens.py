"""Tokens of sentences: counted whatever they are filled up with, and equal where they are read alike."""

from collections.abc import Callable
from functools import partial

import open_clip
import pytest
import torch
from torch import Tensor

from vlbench.models.shared.sentence_tokens import digests, longest, token_counts, too_long


def tokenizer(begin: list[int], end: list[int], fill: int) -> Callable[..., Tensor]:
    """One token a word, between marks; the last token stays the end's where a sentence is cut."""

    def words(prompts: list[str], context_length: int = 6) -> Tensor:
        rows = []
        for prompt in prompts:
            room = context_length - len(begin) - len(end)
            row = [*begin, *(100 + len(word) for word in prompt.split()[:room]), *end]
            rows.append(row + [fill] * (context_length - len(row)))
        return torch.tensor(rows)

    return words


MARKS = {
    "CLIP": tokenizer([8], [9], 0),
    "CLIP of transformers, filled with the end": tokenizer([8], [9], 9),
    "SigLIP, filled with the end": tokenizer([], [1], 1),
    "SigLIP 2, an end and another filling": tokenizer([], [1], 0),
}


@pytest.mark.parametrize("name", MARKS)
def test_sentences_are_counted_with_their_marks_before_they_are_cut(name: str) -> None:
    words = MARKS[name]
    marks = 2 if name.startswith("CLIP") else 1
    sentences = ["", "a", "one two", " ".join(["many"] * 40), "many " * 3000, "one two"]
    assert token_counts(words, sentences) == [marks + n for n in (0, 1, 2, 40, 3000, 2)]


@pytest.mark.parametrize("name", MARKS)
def test_a_sentence_that_fills_the_context_is_not_too_long(name: str) -> None:
    words = MARKS[name]
    room = 6 - (2 if name.startswith("CLIP") else 1)
    fits, longer = " ".join(["word"] * room), " ".join(["word"] * (room + 1))
    assert too_long(words, partial(token_counts, words), [longer, fits, longer]) == [longer]


def test_counts_of_clips_own_tokens() -> None:
    words = open_clip.SimpleTokenizer(context_length=8)
    # begin, `a`, `photo`, `of`, `a`, `dog`, `.`, end; `!` is the token 0, which also fills up
    assert token_counts(words, ["a photo of a dog.", "", "dog!", "!", "!!!"]) == [8, 2, 4, 3, 3]
    assert longest(partial(token_counts, words), [("", "a dog"), ("a",)]) == [4, 3]


def test_equal_digests_are_of_equal_tokens_in_order() -> None:
    words = open_clip.SimpleTokenizer(context_length=8)
    behind = "one two three four five six {}"
    texts = [("a dog",), ("A Dog ",), ("a cat",), ("a dog", "a cat"), ("a cat", "a dog")]
    texts += [(behind.format("dogs"),), (behind.format("cats"),)]
    found = digests(words, texts)
    assert [found.index(digest) for digest in found] == [0, 0, 2, 3, 4, 5, 5]
    assert digests(words, []) == []
