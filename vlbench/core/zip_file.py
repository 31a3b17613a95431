"""Zip archives that others made: whole ones that unpack to no more than they may."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

from vlbench.core.damage import reading
from vlbench.core.errors import DataError, VlbenchError

ZIP = b"PK\x03\x04"
"""What a zip archive begins with."""
_LEAST_LIMIT, _MOST_TIMES = 2**28, 100
"""Bytes that an archive may always hold, and how many times its own size else: zeros have 1,030 times."""
_BESIDE = 1024
"""Bytes that packing may add to a member."""


@contextmanager
def opened_zip(
    file: Path | bytes,
    where: Path | str,
    wrong: str = "a damaged zip archive",
    mend: str = "fetch it again",
    *,
    error: type[VlbenchError] = DataError,
) -> Iterator[ZipFile]:
    """An archive to read from; that `where` is `wrong` is told of what its members turn out to be as well.

    Raises:
        VlbenchError: as `error`: it is damaged, or its members unpack to more than it may hold.
    """
    source = BytesIO(file) if isinstance(file, bytes) else file
    with reading(where, wrong, mend, error=error), ZipFile(source) as archive:
        members = archive.infolist()
        size = len(file) if isinstance(file, bytes) else file.stat().st_size
        if sum(each.file_size for each in members) > max(_LEAST_LIMIT, _MOST_TIMES * size):
            raise ValueError("it unpacks to far more than its size")
        if any(each.compress_size > 2 * each.file_size + _BESIDE for each in members):
            raise ValueError("it states wrong sizes")
        yield archive
