"""Safetensors files: a header of JSON, then the bytes of the tensors; imports no torch."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError, safe_open

from vlbench.core.damage import reading
from vlbench.core.errors import WeightsError


@contextmanager
def opened_safetensors(path: Path, library: Literal["pt", "np"]) -> Iterator[Any]:
    """A file to read tensors of, as those of torch or numpy.

    Raises:
        WeightsError: it is damaged.
    """
    wrong = "no readable safetensors file"
    with (
        reading(path, wrong, error=WeightsError, also=(SafetensorError,)),
        safe_open(path, library) as file,
    ):
        yield file
