"""Sizes of taggers' networks, as a card states them.

The default sizes are those of RAM++ and RAM (Swin-L at 384 pixels); for captions, those of BERT-base.
"""

from dataclasses import asdict, dataclass
from typing import ClassVar

from vlbench.core.errors import CardError

PATCH = 4
"""The side of a patch in pixels, in every Swin transformer of this family."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggerSize:
    """Sizes of a Swin transformer and of the tag decoder after it, as a card's `network` states them.

    `token_width` is the width of projected image tokens and of descriptions. `descriptions` is the number of
    descriptions for a tag of RAM++'s own list; tags of an open vocabulary have any number.
    """

    image_size: int = 384
    embed_dim: int = 192
    depths: tuple[int, ...] = (2, 2, 18, 2)
    heads: tuple[int, ...] = (6, 12, 24, 48)
    window: int = 12
    token_width: int = 512
    hidden: int = 768
    intermediate: int = 3072
    decoder_heads: int = 4
    decoder_layers: int = 2
    descriptions: int = 51

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def check(self, model: str) -> None:
        """Raise CardError if the sizes do not fit together."""
        numbers = {key: value for key, value in asdict(self).items() if isinstance(value, int)}
        small = [key for key, value in numbers.items() if value < 1]
        if small or min((*self.depths, *self.heads), default=0) < 1:
            raise CardError(f"{model}: network: {', '.join(small) or 'depths, heads'}: give 1 or more")
        if len(self.depths) != len(self.heads):
            raise CardError(f"{model}: network: as many depths as heads, not {self.depths} and {self.heads}")
        if self.hidden % self.decoder_heads or any(
            self.embed_dim * 2**stage % heads for stage, heads in enumerate(self.heads)
        ):
            raise CardError(f"{model}: network: a width is no multiple of its heads; correct the card")
        whole = PATCH * 2 ** (len(self.depths) - 1)
        if self.image_size % whole:
            raise CardError(f"{model}: network: image_size {self.image_size} is no multiple of {whole}")

    @property
    def width(self) -> int:
        """The width of image tokens before any projection."""
        return int(self.embed_dim * 2 ** (len(self.depths) - 1))

    @property
    def tokens(self) -> int:
        """The number of tokens of an image, with their mean."""
        side: int = self.image_size // (PATCH * 2 ** (len(self.depths) - 1))
        return 1 + side**2

    @property
    def image_side(self) -> dict[str, object]:
        """The sizes that determine an image's tokens."""
        keys = ("image_size", "embed_dim", "depths", "heads", "window", "token_width")
        return {key: value for key, value in asdict(self).items() if key in keys}


SWIN_L = TaggerSize()
"""Swin-L at 384 pixels, as RAM and RAM++ were published."""

SWIN_B = TaggerSize(embed_dim=128, heads=(4, 8, 16, 32))
"""Swin-B at 384 pixels, as Tag2Text was published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionSize:
    """Sizes of the tag encoder and the text decoder, as a card's `captions` states them.

    `vocabulary` counts the word pieces and the two tokens after them; widths are those of the tag decoder.
    """

    layers: int = 12
    heads: int = 12
    vocabulary: int = 30524
    positions: int = 512

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def check(self, model: str, hidden: int) -> None:
        """Raise CardError if the sizes do not fit together, or not the width."""
        small = [key for key, value in asdict(self).items() if value < 1]
        if small:
            raise CardError(f"{model}: captions: {', '.join(small)}: give 1 or more")
        if hidden % self.heads:
            raise CardError(f"{model}: captions: width {hidden} is no multiple of {self.heads} heads")
