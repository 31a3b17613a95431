"""A source: coloured squares drawn in memory."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from vlbench.core.contracts import Example, Offers, Place, Source, Target, Text
from vlbench.core.digest import digest_of

if TYPE_CHECKING:
    from PIL.Image import Image

COLOURS = ("red", "lime", "blue", "yellow")


def demo_squares(place: Place, /, *, each: int = 5, colours: tuple[str, ...] = COLOURS) -> Source:
    """`each` squares of every colour, of growing size on a grey ground."""
    return Squares(colours, each)


@dataclass(frozen=True, slots=True)
class Squares:
    """Square i has colour i // each and a side of 16 + 2 (i % each) pixels on a ground of 64."""

    colours: tuple[str, ...]
    each: int
    name: str = "demo squares"

    @property
    def revision(self) -> str:
        """A digest of what can change an image."""
        return digest_of([1, self.colours, self.each])

    @property
    def offers(self) -> Offers:
        """The colours, for a task whose card names none."""
        return Offers(names=tuple(Text(colour) for colour in self.colours))

    def __len__(self) -> int:
        return len(self.colours) * self.each

    def __getitem__(self, index: int) -> Example:
        colour, step = self._place(index)
        return Example(f"{colour}-{step}", partial(draw, colour, 16 + 2 * step), self.target(index))

    def target(self, index: int) -> Target:
        """The colour of square i."""
        return Target(label=self._place(index)[0])

    def fingerprint(self, index: int) -> str:
        """What square i is drawn from; another version of `draw` needs another number."""
        return digest_of(["demo square", 1, *self._place(index)])

    def _place(self, index: int) -> tuple[str, int]:
        return self.colours[index // self.each], index % self.each


def draw(colour: str, side: int) -> "Image":
    """A square of a colour in the middle of a grey ground."""
    from PIL import Image

    image = Image.new("RGB", (64, 64), "grey")
    image.paste(colour, (32 - side // 2, 32 - side // 2, 32 + side // 2, 32 + side // 2))
    return image
