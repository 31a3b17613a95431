"""Image files: their suffixes, how they are opened, and examples made from them."""

from collections.abc import Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from vlbench.core.contracts import Example, Target
from vlbench.core.dataset import Examples
from vlbench.core.errors import DataError
from vlbench.datasets.readers.file_listing import FoundFile

if TYPE_CHECKING:
    from PIL.Image import Image as OpenedImage

_JPEG = (".jfif", ".jp2", ".jpe", ".jpeg", ".jpg")
_NETPBM = (".pbm", ".pgm", ".pnm", ".ppm")
IMAGE_SUFFIXES = frozenset((*_JPEG, *_NETPBM, ".avif", ".bmp", ".gif", ".png", ".tif", ".tiff", ".webp"))
"""Suffixes of image files, in lower case."""


def open_image_file(path: str, start: int = 0, size: int = -1, member: str = "") -> "OpenedImage":
    """Open an image file, or the `size` bytes from `start` that are a member of an archive.

    Pixels are decoded when they are first used. The EXIF orientation is not applied, since models are trained
    and published without it.

    Raises:
        DataError: the file cannot be read or is no image; the message names it.
    """
    where = f"{path}: {member}" if member else path
    try:
        with Path(path).open("rb") as file:
            file.seek(start)
            data = file.read(size)
    except OSError as error:
        raise DataError(f"{where} cannot be read ({error.strerror}); repair or remove it") from error
    return open_image_bytes(data, where)


def open_image_bytes(data: bytes, where: str) -> "OpenedImage":
    """Open an encoded image; `where` names it in errors. No file stays open.

    Raises:
        DataError: the bytes are no image, or have too many pixels.
    """
    try:
        return Image.open(BytesIO(data))
    except UnidentifiedImageError as error:
        what = "is empty" if not data else "is no image that Pillow knows"
        raise DataError(f"{where} {what}; replace the file or remove it") from error
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{where} does not open as an image ({error}); replace or remove it") from error


def file_examples(files: Sequence[FoundFile], targets: Sequence[Target]) -> Examples:
    """Examples whose images are files. The id of an example is the file's name relative to the root."""
    return Examples(partial(_example, tuple(files), tuple(targets)), len(files))


def _example(files: Sequence[FoundFile], targets: Sequence[Target], index: int) -> Example:
    file = files[index]
    return Example(file.name, partial(open_image_file, file.path), targets[index], file.state)
