"""The .npz files of numpy: arrays by name in a zip archive, none of them pickled."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile

from vlbench.core.errors import DataError, VlbenchError
from vlbench.core.zip_file import opened_zip


@contextmanager
def opened_npz(
    file: Path | bytes,
    where: Path | str,
    wrong: str = "a damaged .npz file",
    mend: str = "fetch it again",
    *,
    error: type[VlbenchError] = DataError,
) -> Iterator[NpzFile]:
    """The arrays of a file; they are read inside the `with`, where what they turn out to be is told as well.

    Raises:
        VlbenchError: as `error`: it is damaged, or its arrays unpack to more than it may hold.
    """
    source = BytesIO(file) if isinstance(file, bytes) else file
    with opened_zip(file, where, wrong, mend, error=error), np.load(source, allow_pickle=False) as archive:
        yield archive
