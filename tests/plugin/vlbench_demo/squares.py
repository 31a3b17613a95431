"""A source: coloured squares drawn in memory."""

from functools import partial
from typing import TYPE_CHECKING

from vlbench.core.contracts import Dataset, Example, Offers, Place, Target, Text
from vlbench.core.dataset import Examples
from vlbench.core.digest import digest_of

if TYPE_CHECKING:
    from PIL.Image import Image

COLOURS = ("red", "lime", "blue", "yellow")


def demo_squares(place: Place, /, *, each: int = 5, colours: tuple[str, ...] = COLOURS) -> Dataset:
    """`each` squares of every colour, of growing size on a grey ground."""
    return Dataset(
        name="demo squares",
        revision=digest_of([1, colours, each]),  # what can change an image
        examples=Examples(partial(square, colours, each), len(colours) * each),
        offers=Offers(names=tuple(Text(colour) for colour in colours)),  # for a task whose card names none
    )


def square(colours: tuple[str, ...], each: int, index: int) -> Example:
    """Square i has colour i // each and a side of 16 + 2 (i % each) pixels on a ground of 64."""
    colour, step = colours[index // each], index % each
    return Example(
        id=f"{colour}-{step}",
        image=partial(draw, colour, 16 + 2 * step),
        target=Target(label=colour),
        state=digest_of(["demo square", 1, colour, step]),  # another version of `draw` needs another number
    )


def draw(colour: str, side: int) -> "Image":
    """A square of a colour in the middle of a grey ground."""
    from PIL import Image

    image = Image.new("RGB", (64, 64), "grey")
    image.paste(colour, (32 - side // 2, 32 - side // 2, 32 + side // 2, 32 + side // 2))
    return image
