"""Images in parquet files, read in stretches of rows, and the examples made from them."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Example, Target
from vlbench.core.errors import DataError
from vlbench.core.parquet_file import open_parquet, reading_parquet
from vlbench.datasets.readers.file_listing import FoundFile
from vlbench.datasets.readers.image_file import open_image_bytes

if TYPE_CHECKING:
    from PIL.Image import Image

STRETCH_BYTES = 4 * 2**20
"""About how many bytes of images are read from a file at once."""
KEPT_STRETCHES = 8
"""How many stretches of a file stay in memory, since loader threads read neighbouring rows."""
OPEN_FILES = 4
"""How many columns of files stay open: loader threads may read the end of one file and the start of the next,
and a row may have two images."""
_OPENING = threading.Lock()


Stretch = tuple[int, Any]
"""The first one of consecutive rows of a file, and their encoded images as an Arrow array."""


class ImageColumn:
    """The encoded images in a column of a parquet file, by row; it is thread-safe.

    Rows are read in order through an open cursor, and a few stretches are kept. To go back further, the row
    group is read again. So memory is bounded for row groups of any size.
    """

    def __init__(self, path: str, leaf: str) -> None:
        self._path = path
        self._leaf = leaf
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, Any] = OrderedDict()
        self._cursor: Iterator[Stretch] = iter(())
        self._position = 0
        self._group_stop = 0

    def read(self, row: int) -> bytes:
        """The encoded image in a row.

        Raises:
            DataError: the file is damaged, or the row has no image.
        """
        with self._lock:
            start, images = self._kept_stretch(row) or self._next_stretch(row)
        with reading_parquet(f"{self._path}: row {row}"):
            image = images[row - start].as_py()
            if isinstance(image, dict):
                image = image[self._leaf.rpartition(".")[2]]
            if not image:
                raise DataError(
                    f"{self._path}: row {row} holds no image; remove it, or store bytes where it has a path"
                )
            return bytes(image)

    def _kept_stretch(self, row: int) -> Stretch | None:
        for start, images in self._kept.items():
            if start <= row < start + len(images):
                self._kept.move_to_end(start)
                return start, images
        return None

    def _next_stretch(self, row: int) -> Stretch:
        if not self._position <= row < self._group_stop:
            self._open(row)
        with reading_parquet(f"{self._path}: near row {row}"):
            for start, images in self._cursor:
                self._position = start + len(images)
                self._kept[start] = images
                if len(self._kept) > KEPT_STRETCHES:
                    self._kept.popitem(last=False)
                if row < self._position:
                    return start, images
        raise DataError(f"{self._path} ends before row {row}; fetch it again")

    def _open(self, row: int) -> None:
        parquet_file = open_parquet(self._path)
        metadata = parquet_file.metadata
        start = 0
        for group in range(metadata.num_row_groups):
            rows = metadata.row_group(group).num_rows
            if row < start + rows:
                break
            start += rows
        self._position, self._group_stop = start, start + rows
        self._cursor = _stretches(parquet_file, group, start, self._leaf)


def _stretches(parquet_file: Any, group: int, start: int, leaf: str) -> Iterator[Stretch]:
    metadata = parquet_file.metadata.row_group(group)
    # of all columns, of which images are most: that of one is not to be asked for
    size = metadata.total_byte_size
    rows = max(1, min(metadata.num_rows, STRETCH_BYTES * metadata.num_rows // max(size, 1)))
    for batch in parquet_file.iter_batches(
        batch_size=rows, row_groups=[group], columns=[leaf], use_threads=False
    ):
        yield start, batch.column(0)
        start += batch.num_rows


@lru_cache(maxsize=OPEN_FILES)
def _column(file: FoundFile, leaf: str) -> ImageColumn:
    return ImageColumn(file.path, leaf)


def read_row(file: FoundFile, leaf: str, row: int) -> bytes:
    """The encoded image in a row of a file. A few files stay open in the process.

    Raises:
        DataError: the file is damaged, or the row holds no image.
    """
    with _OPENING:  # threads that ask for their first rows together open it once
        column = _column(file, leaf)
    return column.read(row)


def open_image_row(file: FoundFile, leaf: str, row: int) -> "Image":
    """Open the encoded image in a row of a file.

    Raises:
        DataError: as `read_row` and `open_image_bytes`.
    """
    return open_image_bytes(read_row(file, leaf, row), f"{file.path}: row {row}")


def example_of_row(
    files: Sequence[FoundFile],
    places: NDArray[np.int64],
    targets: Sequence[Target],
    leaf: str,
    index: int,
) -> Example:
    """The example at an index of `places` [n, 2] (file, row). Its id is the file's name and the row."""
    number, row = places[index].tolist()
    file = files[number]
    image = partial(open_image_row, file, leaf, row)
    return Example(f"{file.name}/{row}", image, targets[index], f"{file.state}#{row}")
