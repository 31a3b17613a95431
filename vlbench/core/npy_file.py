"""The .npy files of numpy: one array each, mapped from the disk and never unpickled."""

from pathlib import Path
from typing import Any

import numpy as np

from vlbench.core.damage import reading


def mapped_npy(path: Path | str) -> "np.memmap[Any, Any]":
    """The array of a file, mapped to be read.

    Raises:
        DataError: it is no .npy file, cut short, or holds Python objects.
    """
    with reading(path, "no .npy file of numbers, or damaged", "fetch it again"):
        return np.lib.format.open_memmap(path, mode="r")
