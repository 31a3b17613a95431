"""A source: coloured squares drawn in memory."""

from functools import partial
from typing import TYPE_CHECKING

from vlbench.core.contracts import Dataset, Example, Offers, Place, Target, Text
from vlbench.core.dataset import Examples
from vlbench.core.digest import digest_of

if TYPE_CHECKING:
    from PIL.Image import Image

COLOURS = ("red", "lime", "blue", "yellow")


def demo_squares(
    place: Place, /, *, each: int = 5, smallest: int = 16, colours: tuple[str, ...] = COLOURS
) -> Dataset:
    """`each` squares of every colour on a grey ground, of `smallest` pixels a side, the next of 2 more."""
    return Dataset(
        name="demo squares",
        revision=digest_of([1, colours, each, smallest]),  # what can change an image
        examples=Examples(partial(square, colours, each, smallest), len(colours) * each),
        offers=Offers(names=tuple(Text(colour) for colour in colours)),  # for a task whose card names none
    )


def square(colours: tuple[str, ...], each: int, smallest: int, index: int) -> Example:
    """Square i has colour i // each and a side of smallest + 2 (i % each) pixels on a ground of 64."""
    colour, side = colours[index // each], smallest + 2 * (index % each)
    return Example(
        id=f"{colour}-{side}",
        image=partial(draw, colour, side),
        target=Target(label=colour),
        key=digest_of(["demo square", 2, colour, side]),  # another version of `draw` needs another number
    )


def draw(colour: str, side: int) -> "Image":
    """A square of a colour in the middle of a grey ground."""
    from PIL import Image

    image = Image.new("RGB", (64, 64), "grey")
    first = 32 - side // 2
    image.paste(colour, (first, first, first + side, first + side))
    return image
