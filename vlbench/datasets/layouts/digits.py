"""The source `digits`: the 1,797 scanned digits that scikit-learn ships, without importing it."""

from dataclasses import replace
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Dataset, Example, Place, Target
from vlbench.core.dataset import Examples
from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import CardError, DataError, SourceMissing
from vlbench.core.text_file import csv_rows, read_text

if TYPE_CHECKING:
    from PIL.Image import Image

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SIDE = 8
ENLARGED = 8
"""How many pixels of the image are one pixel of the scan, along one side."""


def digits(place: Place, /, *, half: Literal["", "first", "second"] = "") -> Dataset:
    """Scans of handwritten digits, white on black, 8 x 8 pixels enlarged to 64 x 64.

    The first half is 898 of the 1,797 scans in the order of the file, in which the scans of one writer are
    close together.
    E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI repository, 1998 (test part).

    Raises:
        CardError: the half is none of these.
        SourceMissing: scikit-learn is not installed, or its package does not have the file.

    >>> dataset = digits(Place(), half="first")
    >>> len(dataset), dataset[0].target.label
    (898, 'zero')
    """
    del place
    if half not in ("", "first", "second"):
        raise CardError(f"source digits: half is {half!r}; choose first or second, or leave it out")
    package = find_spec("sklearn")
    folders = list(package.submodule_search_locations or ()) if package else []
    for folder in folders:
        path = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            whole = scans(path)
            if not half:
                return whole
            middle = len(whole) // 2
            chosen = slice(middle) if half == "first" else slice(middle, None)
            return replace(whole, name=f"digits/{half}-half", examples=whole.examples[chosen])
    looked = folders[0] if folders else "scikit-learn"
    raise SourceMissing(str(looked), "holds no datasets/data/digits.csv.gz; pip install scikit-learn")


def enlarge(counts: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Counts 0-16 `[8, 8]` as an RGB image `[64, 64, 3]` of squares, 0-255.

    >>> enlarge(np.full((8, 8), 16, np.uint8))[0, 63].tolist()
    [255, 255, 255]
    """
    grey = (counts.astype(np.uint16) * 255 // 16).astype(np.uint8)
    large = np.repeat(np.repeat(grey, ENLARGED, axis=0), ENLARGED, axis=1)
    return np.repeat(large[:, :, None], 3, axis=2)


def scans(path: Path) -> Dataset:
    """The scans in a file, in its order; labels are English names.

    Raises:
        DataError: a line is not a scan with its digit.
    """
    rows = _rows(path)
    return Dataset(
        name="digits",
        revision=digest_of_strings([rows.tobytes().hex(), str(ENLARGED)]),
        examples=Examples(partial(_example, path), len(rows)),
    )


def _example(path: Path, index: int) -> Example:
    row = _rows(path)[index]
    return Example(
        id=f"digit-{index:04d}",
        image=partial(_open, path, index),
        target=Target(label=NAMES[row[-1]]),
        key=f"digits|{ENLARGED}|{row[:-1].tobytes().hex()}",
    )


@cache
def _rows(path: Path) -> NDArray[np.uint8]:
    """Counts and label of each scan, `[n, 65]`."""
    rows: list[list[int]] = []
    for number, cells in csv_rows(read_text(path), str(path), "reinstall scikit-learn"):
        try:
            row = [int(value) for value in cells]
        except ValueError:
            row = []
        if len(row) != SIDE * SIDE + 1 or max(row[:-1]) > 16 or row[-1] >= len(NAMES) or min(row) < 0:
            raise DataError(f"{path}, line {number}: no 64 counts and a digit; reinstall scikit-learn")
        rows.append(row)
    return np.asarray(rows, dtype=np.uint8)


def _open(path: Path, index: int) -> "Image":
    from PIL import Image

    return Image.fromarray(enlarge(_rows(path)[index, :-1].reshape(SIDE, SIDE)))
