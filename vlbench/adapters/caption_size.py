"""Sizes of Tag2Text's captioning half; the defaults are BERT-base's, as published."""

from dataclasses import asdict, dataclass
from typing import ClassVar

from vlbench.core.errors import CardError


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionSize:
    """Sizes of the tag encoder and the text decoder, as a card's `captions` states them.

    `vocabulary` counts the word pieces with the two tokens added behind them; widths are the tag decoder's.
    """

    layers: int = 12
    heads: int = 12
    vocabulary: int = 30524
    positions: int = 512

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def check(self, model: str, hidden: int) -> None:
        """Raise CardError unless the sizes make networks of a width."""
        small = [key for key, value in asdict(self).items() if value < 1]
        if small:
            raise CardError(f"{model}: captions: {', '.join(small)}: give 1 or more")
        if hidden % self.heads:
            raise CardError(f"{model}: captions: width {hidden} is no multiple of {self.heads} heads")
