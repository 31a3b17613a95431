"""The source `mmvp_vlm`: pairs of images that CLIP confuses, each image with a statement."""

from collections.abc import Iterator
from pathlib import Path

from vlbench.core.contracts import Dataset, Place
from vlbench.core.errors import DataError
from vlbench.core.item import Item
from vlbench.core.text_file import csv_rows, read_text
from vlbench.core.whole_number import whole_number
from vlbench.datasets.readers.item_images import Image, StatedItems, items_with_images
from vlbench.datasets.readers.location import folder_with

QUESTIONS = "Questions.csv"
IMAGES = ("MLLM_VLM Images", "MMVP_VLM_Images", ".")
"""The names of the image folder in the authors' script and in their README."""
PATTERNS = (
    "Orientation and Direction",
    "Presence of Specific Features",
    "State and Condition",
    "Quantity and Count",
    "Positional and Relational Context",
    "Color and Appearance",
    "Structural Characteristics",
    "Texts",
    "Viewpoint and Perspective",
)
"""The nine patterns in the order of the questions, 15 pairs each."""
PAIRS = 15


def mmvp_vlm(place: Place, /, *, path: str) -> Dataset:
    r"""Pairs of images with a statement each, from `Questions.csv` with the columns id, type and statement.

    Two rows are a pair. The type is the folder of the image `ID.jpg`. The pattern, which is the label
    `class`, follows from the position of the pair: the authors' script counts 15 pairs for each, whatever the
    type is (hub: MMVP/MMVP_VLM).

    Args:
        place: where to look.
        path: the folder of the file and of the folder of images.

    Raises:
        SourceMissing: there is no such folder, or none of the images exists.
        DataError: the file is wrong, or an image is missing; the message names file and line.

    >>> from vlbench.core.small_place import small_place
    >>> rows = [f"{number},Texts,statement {number}" for number in range(1, 271)]
    >>> files = {f"MLLM_VLM Images/Texts/{number}.jpg": b"" for number in range(1, 271)}
    >>> files["Questions.csv"] = "\n".join(["Question ID,Type,Statement", *rows])
    >>> with small_place(files) as place:
    ...     dataset = mmvp_vlm(place, path=".")
    >>> len(dataset.offers.items), dataset.offers.items[0].texts
    (135, ('statement 1', 'statement 2'))
    """
    folder = folder_with(place, path, QUESTIONS)
    file = folder / QUESTIONS
    items = list(_items(file))
    said = StatedItems(file, f"statements of {QUESTIONS}, patterns by their order", items)
    return items_with_images(f"mmvp_vlm:{path}", said, IMAGES, folder, place)


def _items(file: Path) -> Iterator[tuple[Item, tuple[Image, ...]]]:
    rows = list(_rows(file))
    if len(rows) % 2 or len(rows) > 2 * PAIRS * len(PATTERNS):
        raise DataError(f"{file} has {len(rows)} rows, and not two for each of 135 pairs; fetch it again")
    for start in range(0, len(rows), 2):
        (first, image, one), (second, other, two) = rows[start : start + 2]
        if first % 2 == 0 or second != first + 1:
            raise DataError(f"{file}: rows of the ids {first} and {second} are no pair; fetch it again")
        labels = {"class": PATTERNS[start // 2 // PAIRS]}
        item = Item(f"{first}-{second}", (0, 1), (one, two), ((0, 0), (1, 1)), labels)
        yield item, ((image, None), (other, None))


def _rows(file: Path) -> Iterator[tuple[int, str, str]]:
    """The id, image and statement of each row."""
    rows = csv_rows(read_text(file), str(file))
    next(rows, None)
    for line, cells in rows:
        where = f"{file}:{line}"
        number = whole_number(cells[0].strip())
        if len(cells) != 3 or number is None or not all(each.strip() for each in cells):
            raise DataError(f"{where}: {cells} is no id, type and statement; fetch it again")
        _, kind, statement = (each.strip() for each in cells)
        yield number, f"{kind}/{number}.jpg", statement
