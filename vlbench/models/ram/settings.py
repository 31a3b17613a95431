"""Settings of taggers: what a card states of one, and the sizes of its networks.

The default sizes are those of RAM++ and RAM (Swin-L at 384 pixels), of captions those of BERT-base.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from vlbench.core.errors import CardError

Family = Literal["ram_plus", "ram", "tag2text"]
Vocabulary = Literal["closed", "open"]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggerSettings:
    """What a card says of a tagger; `tags` is its list, `ids` the vocabulary whose ids are places in it.

    `threshold` is the probability above which a tag is present, None for the list's own; `text_weights`
    is the user's own file for `text_model`. `captions` are the sizes of a captioning half, None where there
    is none; `word_pieces` is its vocabulary, None for the one of its authors.
    """

    family: Family
    vocabulary: Vocabulary
    network: TaggerSize
    ids: str
    tags: Path | None = None
    threshold: float | None = None
    repository: str | None = None
    file: str | None = None
    sha256: str | None = None
    directory: str | None = None
    text_model: str | None = None
    text_weights: Path | None = None
    ignorable: tuple[str, ...] = field(default=())
    captions: CaptionSize | None = None
    word_pieces: Path | None = None

    def check(self, model: str) -> None:
        """Raise CardError where settings contradict one another."""
        self.network.check(model)
        if self.captions is not None:
            self.captions.check(model, self.network.hidden)
        elif self.word_pieces is not None:
            raise CardError(f"{model}: word_pieces are of captions; state their sizes as `captions`")
        if self.directory is not None and (self.repository, self.file) != (None, None):
            raise CardError(f"{model}: settings want either repository and file, or directory")
        if (self.repository is None) != (self.file is None):
            raise CardError(f"{model}: settings want repository and file together; correct the card")
        if self.vocabulary == "closed" and self.tags is None:
            raise CardError(f"{model}: a closed vocabulary wants `tags`, the model's list beside the card")
        if self.vocabulary == "open" and self.text_model is None:
            raise CardError(f"{model}: an open vocabulary wants `text_model`, the CLIP that reads the tags")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise CardError(f"{model}: threshold {self.threshold} is no probability; give 0 to 1")
