"""Image files: their suffixes, how they are opened, and examples made from them."""

import os
from collections.abc import Mapping, Sequence
from functools import cache, partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image, UnidentifiedImageError

from vlbench.core.broken_image import decoding
from vlbench.core.contracts import Example, Target
from vlbench.core.dataset import Examples
from vlbench.core.errors import DataError
from vlbench.core.regular_file import open_regular
from vlbench.datasets.readers.file_listing import FoundFile

if TYPE_CHECKING:
    from PIL.Image import Image as OpenedImage

SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "AVIF": (".avif",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "JPEG": (".jfif", ".jpe", ".jpeg", ".jpg"),
    "JPEG2000": (".jp2",),
    "PNG": (".png",),
    "PPM": (".pbm", ".pgm", ".pnm", ".ppm"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
"""Pillow's decoders that data sets are read with, whatever a file is called: of the others, EPS starts a
program."""
IMAGE_FORMATS = tuple(SUFFIXES)
IMAGE_SUFFIXES = frozenset(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
"""Suffixes of image files, in lower case."""
MOST_PIXELS = 178_956_970
"""So many pixels an image may have; Pillow refuses more by itself."""
MOST_BYTES = 2**31
"""So many bytes an image file may have."""


class _Guarded:
    """Makes an opened image name itself where its decoder gives up, whoever asks for its pixels first."""

    opened_from: str

    def load(self) -> Any:
        """As Pillow's.

        Raises:
            DataError: it does not decode.
        """
        with decoding(self.opened_from):
            return super().load()  # type: ignore[misc]  # Pillow's class comes next

    def convert(self, *args: Any, **options: Any) -> Any:
        """As Pillow's, which converts not all that it reads.

        Raises:
            DataError: it does not decode, or not to what is asked for.
        """
        with decoding(self.opened_from):
            return super().convert(*args, **options)  # type: ignore[misc]


@cache
def _guarded(kind: type) -> type:
    return type(kind.__name__, (_Guarded, kind), {})


def open_image_file(path: str, start: int = 0, size: int = -1, member: str = "") -> "OpenedImage":
    """Open an image file, or the `size` bytes from `start` that are a member of an archive.

    Pixels are decoded when they are first used. The EXIF orientation is not applied, since models are trained
    and published without it.

    Raises:
        DataError: the file cannot be read or is no image; the message names it.
    """
    where = f"{path}: {member}" if member else path
    try:
        with open_regular(path) as file:
            if max(size, file.seek(0, os.SEEK_END) if size < 0 else 0) > MOST_BYTES:
                raise DataError(f"{where} has more than {MOST_BYTES:,} bytes; make it smaller")
            file.seek(start)
            data = file.read(size)
    except OSError as error:
        raise DataError(f"{where} cannot be read ({error.strerror}); repair or remove it") from error
    return open_image_bytes(data, where)


def open_image_bytes(data: bytes, where: str) -> "OpenedImage":
    """Open an encoded image; `where` names it in errors. No file stays open.

    Raises:
        DataError: the bytes are no image of the formats that are read, or one of too many pixels.
    """
    with decoding(where):
        try:
            image = Image.open(BytesIO(data), formats=IMAGE_FORMATS)
        except UnidentifiedImageError as error:
            kinds = ", ".join(IMAGE_FORMATS)
            what = f"is no image of a kind that is read ({kinds})" if data else "is empty"
            raise DataError(f"{where} {what}; replace the file or remove it") from error
        except Image.DecompressionBombError as error:
            raise _too_large(where) from error
    if image.width * image.height > MOST_PIXELS:  # where others have switched off Pillow's own check
        raise _too_large(where)
    image.__class__ = _guarded(type(image))
    vars(image)["opened_from"] = where
    return image


def _too_large(where: str) -> DataError:
    return DataError(f"{where} has more than {MOST_PIXELS:,} pixels; make it smaller")


def file_examples(files: Sequence[FoundFile], targets: Sequence[Target]) -> Examples:
    """Examples whose images are files. The id of an example is the file's name relative to the root."""
    return Examples(partial(_example, tuple(files), tuple(targets)), len(files))


def _example(files: Sequence[FoundFile], targets: Sequence[Target], index: int) -> Example:
    file = files[index]
    return Example(file.name, partial(open_image_file, file.path), targets[index], file.state)
