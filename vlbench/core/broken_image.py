"""What Pillow raises for damaged files of the formats it reads, turned into the error of data."""

import lzma
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from vlbench.core.errors import DataError

BROKEN_IMAGE = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)
"""Includes OSError, which Pillow also raises for an image of an unknown format."""
DECODERS_RAISE = (
    *BROKEN_IMAGE,
    *(ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError),
    *(struct.error, zlib.error, lzma.LZMAError),
    Warning,  # where a user turns warnings into errors
)
"""What the decoders of damaged files raise beside that, when nothing else but a decoder runs."""
_LONGEST = 100


@contextmanager
def decoding(where: str) -> Iterator[None]:
    """Name an image in what goes wrong while a decoder alone runs.

    Raises:
        DataError: the decoder gave up.
    """
    try:
        yield
    except MemoryError as error:
        raise DataError(
            f"{where} does not decode: it asks for more memory than there is; replace the file or remove it"
        ) from error
    except DECODERS_RAISE as error:
        said = " ".join(str(error).split())[:_LONGEST] or type(error).__name__
        raise DataError(f"{where} does not decode ({said}); replace the file or remove it") from error
