"""Parquet files that others made: opened by their metadata, and damage told in a line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vlbench.core.damage import reading

_ROWS_A_BYTE = 8
"""More rows than so many for each byte of a file are none that anybody wrote."""


@contextmanager
def reading_parquet(where: Path | str, mend: str = "fetch it again or remove it") -> Iterator[None]:
    """Tell that `where` is damaged, whatever pyarrow raises.

    What it does not raise ends the process: nobody may ask for the metadata of a column's chunk
    (`metadata.row_group(0).column(0)`), which Cython takes of C++ without a handler.

    Raises:
        DataError: it is damaged.
    """
    from pyarrow import ArrowException

    with reading(where, "no parquet file, or damaged", mend, also=(ArrowException,)):
        yield


def open_parquet(path: Path | str, mend: str = "fetch it again or remove it") -> Any:
    """A parquet file, opened by its metadata alone, its pages mapped and not read ahead.

    Raises:
        DataError: it is no parquet file, or states what no sound one does.
    """
    from pyarrow.parquet import ParquetFile

    with reading_parquet(path, mend):
        parquet_file = ParquetFile(path, memory_map=True, pre_buffer=False)
        names = parquet_file.schema_arrow.names
        if len(set(names)) < len(names):
            raise ValueError("two of its columns have one name")
        metadata = parquet_file.metadata
        groups = [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)]
        most = _ROWS_A_BYTE * Path(path).stat().st_size
        if min(groups, default=0) < 0 or not sum(groups) == metadata.num_rows <= most:
            raise ValueError(f"it states {metadata.num_rows} rows")
    return parquet_file
