"""Damaged files: what libraries raise over their bytes becomes the one line of the caller's error."""

import csv
import lzma
import pickle
import struct
import tarfile
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vlbench.core.errors import DataError, VlbenchError

DAMAGE: tuple[type[Exception], ...] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    csv.Error,
    lzma.LZMAError,
    pickle.UnpicklingError,
    struct.error,
    tarfile.TarError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What readers of binary formats raise: they believe what a file says, and fail wherever that leads them."""
_SHOWN = 200


@contextmanager
def reading(
    where: Path | str,
    wrong: str,
    mend: str = "fetch it again",
    *,
    error: type[VlbenchError] = DataError,
    also: tuple[type[Exception], ...] = (),
) -> Iterator[None]:
    """Tell that `where` is `wrong`, and how to `mend` it, where a library raises; `also` are its own errors.

    Raises:
        VlbenchError: as `error`.
    """
    try:
        yield
    except MemoryError as found:
        raise error(f"{where} asks for more memory than there is: {wrong}, or too large; {mend}") from found
    except Exception as found:
        if not isinstance(found, (*DAMAGE, *also)) and type(found) is not Exception:
            raise
        reason = " ".join(str(found).split())[:_SHOWN] or type(found).__name__
        raise error(f"{where} is {wrong} ({reason}); {mend}") from found
