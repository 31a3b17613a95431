"""What decoding changes or leaves out of an image: told, since models see what is left."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from vlbench.core.contracts import Dataset, Example
from vlbench.core.dataset import Examples
from vlbench.core.reading import Tally

if TYPE_CHECKING:
    from PIL.Image import Image

ORIENTATION = 0x0112
"""The EXIF tag of how a picture is to be turned; 1 is as it lies."""
WIDE = frozenset(("I;16", "I;16L", "I;16B", "I;16N", "I"))
"""Pillow's modes of whole numbers above 255."""


def decoding_remarks(image: "Image") -> tuple[str, ...]:
    """What becomes of an opened image that is no plain 8-bit picture; nothing where it is one.

    It is converted as open_clip does: Pillow's `convert("RGB")`, of the first frame, as it lies.
    """
    remarks = []
    if image.mode in WIDE:
        remarks.append("of 16 bits or more, whose values above 255 turn white")
    if image.mode == "F":
        remarks.append("of floats, cut to whole numbers from 0 to 255")
    if image.mode == "CMYK":
        remarks.append("of CMYK, converted without their colour profile")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        remarks.append("with transparency, which the model's preprocessing drops or fills")
    if getattr(image, "is_animated", False):
        remarks.append("of several frames, of which the first is read")
    if ("exif" in image.info or image.format == "TIFF") and image.getexif().get(ORIENTATION, 1) != 1:
        remarks.append("with an EXIF orientation, which is not applied")
    return tuple(dict.fromkeys(remarks))


def part_of(image: "Image", box: tuple[int, int, int, int] | None) -> "Image":
    """The part of an opened image that an example's box means, in RGB; all of it as it is without one."""
    return image if box is None else image.convert("RGB").crop(box)


def watched(dataset: Dataset, found: dict[int, tuple[str, ...]]) -> Dataset:
    """A data set whose images are looked at as they are opened; `found` takes remarks by their index."""
    examples = Examples(partial(_watched, dataset.examples, found), len(dataset))
    return replace(dataset, examples=examples)


def _watched(examples: Sequence[Example], found: dict[int, tuple[str, ...]], index: int) -> Example:
    example = examples[index]
    return replace(example, image=partial(_open, example, found, index))


def _open(example: Example, found: dict[int, tuple[str, ...]], index: int) -> "Image":
    image = example.image()
    remarks = decoding_remarks(image)
    if remarks:
        found[index] = remarks
    return image


def decoding_text(found: Iterable[tuple[str, Iterable[str]]]) -> str:
    """Remarks of images, by their ids, counted; empty where there are none."""
    tally = Tally()
    for id_, remarks in found:
        for remark in remarks:
            tally.leave_out(f"images {remark}", id_)
    return "; ".join(map(str, tally.left_out))
