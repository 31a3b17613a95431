"""Word pieces of Tag2Text: BERT's, with a token that begins a text and one that begins tags."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers.models.bert.tokenization_bert import BertTokenizer

from vlbench.core.errors import CardError

PROMPT = "a picture of "
"""What every caption begins with, and what is cut from it."""
TAG_PIECES = 40
"""Pieces of an image's tags, padded or cut to it (recognize-anything, ram/models/tag2text.py)."""
BETWEEN_TAGS = " | "
_NEEDED = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


@dataclass(frozen=True, slots=True)
class WordPieces:
    """A BERT vocabulary; behind it stand the piece that begins a text and the one that begins tags."""

    tokenizer: Any
    count: int

    @classmethod
    def of(cls, path: Path, expected: int) -> "WordPieces":
        """The word pieces of a file, one a line.

        Raises:
            CardError: the file cannot be read, or it is not of so many pieces (`expected` counts the two).
        """
        try:
            pieces = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise CardError(
                f"{path}: the word pieces cannot be read ({error}); correct `word_pieces`"
            ) from error
        missing = [each for each in _NEEDED if each not in pieces]
        if missing or len(set(pieces)) + 2 != expected:
            why = f"lacks {', '.join(missing)}" if missing else f"{len(set(pieces))} word pieces"
            raise CardError(
                f"{path}: {why}, where captions want {expected - 2} of BERT's; correct `word_pieces`, or "
                "`vocabulary` of `captions`"
            )
        vocabulary = {piece: place for place, piece in enumerate(pieces)}
        return cls(BertTokenizer(vocab=vocabulary, do_lower_case=True), len(pieces))

    @property
    def end(self) -> int:
        """The piece that ends a text."""
        end: int = self.tokenizer.sep_token_id
        return end

    def prompt(self) -> Tensor:
        """Pieces [l] that every caption begins with."""
        pieces: list[int] = self.tokenizer(PROMPT)["input_ids"]
        return torch.tensor([self.count, *pieces[1:-1]])

    def of_tags(self, tags: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor]:
        """Pieces [b, 40] of each image's tags, and which of them are there [b, 40]."""
        read = self.tokenizer(
            [BETWEEN_TAGS.join(each) for each in tags],
            padding="max_length",
            truncation=True,
            max_length=TAG_PIECES,
            return_tensors="pt",
        )
        pieces: Tensor = read["input_ids"]
        pieces[:, 0] = self.count + 1
        return pieces, read["attention_mask"].bool()

    def text(self, pieces: Sequence[int]) -> str:
        """A caption of pieces, without the prompt they begin with."""
        known = [piece for piece in pieces if piece < self.count]
        said: str = self.tokenizer.decode(known, skip_special_tokens=True, clean_up_tokenization_spaces=True)
        return said[len(PROMPT) :]
