"""The source `digits`: the 1,797 scanned digits that scikit-learn ships, read without importing it."""

import gzip
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Example, Offers, Place, Target
from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError, SourceMissing

if TYPE_CHECKING:
    from PIL.Image import Image

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SIDE = 8
ENLARGED = 8
"""Pixels of the image along one side of a pixel of the scan."""


def digits(place: Place, /) -> "ScannedDigits":
    """Scans of handwritten digits, white on black, 8 x 8 pixels enlarged to 64 x 64.

    E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI repository, 1998 (test part).

    Raises:
        SourceMissing: scikit-learn is not installed, or its package holds no such file.
    """
    del place
    package = find_spec("sklearn")
    folders = list(package.submodule_search_locations or ()) if package else []
    for folder in folders:
        path = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            return ScannedDigits(path)
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


@dataclass(frozen=True, slots=True)
class ScannedDigits:
    """The scans of a file, in its order; labels are the English names."""

    path: Path

    @property
    def name(self) -> str:
        """The source's name in results."""
        return "digits"

    @property
    def revision(self) -> str:
        """Digest of all scans and labels."""
        return digest_of_strings([_rows(self.path).tobytes().hex(), str(ENLARGED)])

    @property
    def offers(self) -> Offers:
        """The ten names."""
        return Offers()

    def __len__(self) -> int:
        return len(_rows(self.path))

    def __getitem__(self, index: int) -> Example:
        position = range(len(self))[index]
        return Example(
            id=f"digit-{position:04d}",
            image=partial(_open, self.path, position),
            target=self.target(position),
        )

    def target(self, index: int) -> Target:
        """The digit's name."""
        return Target(label=NAMES[_rows(self.path)[index, -1]])

    def fingerprint(self, index: int) -> str:
        """The scan itself."""
        return f"digits|{ENLARGED}|{_rows(self.path)[index, :-1].tobytes().hex()}"


@cache
def _rows(path: Path) -> NDArray[np.uint8]:
    """Counts and label of each scan, `[n, 65]`."""
    rows: list[list[int]] = []
    with gzip.open(path, "rt", encoding="ascii") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                row = [int(value) for value in line.split(",")]
            except ValueError:
                row = []
            if len(row) != SIDE * SIDE + 1 or max(row[:-1]) > 16 or row[-1] >= len(NAMES) or min(row) < 0:
                raise DataError(f"{path}, line {number}: no 64 counts and a digit; reinstall scikit-learn")
            rows.append(row)
    return np.asarray(rows, dtype=np.uint8)


def _open(path: Path, index: int) -> "Image":
    from PIL import Image

    return Image.fromarray(enlarge(_rows(path)[index, :-1].reshape(SIDE, SIDE)))
