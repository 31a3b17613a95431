"""Sizes of a tagger's networks; the defaults are those of RAM++ and RAM (Swin-L at 384 pixels)."""

from dataclasses import asdict, dataclass
from typing import ClassVar

from vlbench.core.errors import CardError

PATCH = 4
"""Pixels of a patch's side, in every Swin transformer of this family."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggerSize:
    """Sizes of a Swin transformer and of the tag decoder behind it, as a card's `network` states them.

    `token_width` is the width of projected image tokens and of a description, `descriptions` how many of
    those a tag of RAM++'s own list has; tags of an open vocabulary have any number.
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
        """Raise CardError unless the sizes make a network."""
        numbers = {key: value for key, value in self.as_mapping().items() if isinstance(value, int)}
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
        """Width of the image tokens before any projection."""
        return int(self.embed_dim * 2 ** (len(self.depths) - 1))

    @property
    def tokens(self) -> int:
        """Tokens of an image, their mean included."""
        side: int = self.image_size // (PATCH * 2 ** (len(self.depths) - 1))
        return 1 + side**2

    @property
    def image_side(self) -> dict[str, object]:
        """The sizes that decide an image's tokens."""
        keys = ("image_size", "embed_dim", "depths", "heads", "window", "token_width")
        return {key: value for key, value in self.as_mapping().items() if key in keys}

    def as_mapping(self) -> dict[str, object]:
        """All sizes by name."""
        return asdict(self)
