"""A data set made of a list of targets, for tests of what reads targets."""

from functools import partial

from PIL import Image

from vlbench.core.contracts import Dataset, Example, Offers, Target


def listed(targets: tuple[Target, ...], offers: Offers = Offers()) -> Dataset:  # noqa: B008 - a frozen value
    """One black image for every target."""
    black = partial(Image.new, "RGB", (8, 8))
    examples = [Example(f"{i}.png", black, target, f"listed {i}") for i, target in enumerate(targets)]
    return Dataset("listed", "1", examples, offers)
