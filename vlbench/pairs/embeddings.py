"""Pools that are encoded already, in clip-retrieval's layout: vectors mapped from files, captions in parquet.

The layout: `img_emb/img_emb_0.npy`, `text_emb/text_emb_0.npy`, `metadata/metadata_0.parquet`, or these files
side by side; one row a pair in each. Source: clip-retrieval, its README, "Clip inference".
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vlbench.core.contracts import Dataset, Example, Target
from vlbench.core.dataset import Examples
from vlbench.core.digest import digest_of
from vlbench.core.errors import DataError
from vlbench.core.files import file_state
from vlbench.core.npy_file import mapped_npy
from vlbench.core.outside_name import wrong_path
from vlbench.core.parquet_file import open_parquet, reading_parquet
from vlbench.core.reading import Reading
from vlbench.datasets.readers.file_listing import FoundFile, list_files
from vlbench.datasets.readers.image_file import open_image_file
from vlbench.pairs.pool import PairPool
from vlbench.pairs.rows import Rows

if TYPE_CHECKING:
    from PIL.Image import Image

_FILE = re.compile(r"(img_emb|text_emb|metadata)_(\d+)\.(?:npy|parquet)")
_CAPTION, _IMAGE, _URL = "caption", "image_path", "url"
"""The columns of metadata that are read."""


def open_embeddings(folder: Path, roots: Sequence[Path], *, captions: bool) -> PairPool:
    """The pool of a folder; its images lie in it or below one of the roots, or else are named by their URLs.

    `captions` asks for the vectors of captions as well.

    Raises:
        DataError: files are missing, damaged, or of different lengths.
    """
    kinds = ("img_emb", "metadata", *["text_emb"] * captions)
    found: dict[str, dict[int, FoundFile]] = {kind: {} for kind in kinds}
    for file in list_files(folder) if folder.is_dir() else ():
        named = _FILE.fullmatch(file.name.rpartition("/")[2])
        if named and named[1] in found:
            before = found[named[1]].setdefault(int(named[2]), file)
            if before is not file:
                raise DataError(f"{file.path} and {before.path} are of one number; move one away")
    numbers = sorted(set().union(*found.values()))
    for kind, files in found.items():
        if not numbers or files.keys() != set(numbers):
            lacking = next((number for number in numbers if number not in files), 0)
            wanted = f"{kind}_{lacking}.{'parquet' if kind == 'metadata' else 'npy'}"
            raise DataError(f"{folder}: has no {wanted}; put it there, as clip-retrieval does")
    tables = tuple(_table(found["metadata"][number]) for number in numbers)
    vectors = {
        kind: tuple(_vectors(files[number]) for number in numbers)
        for kind, files in found.items()
        if kind != "metadata"
    }
    for place, table in enumerate(tables):
        for parts in vectors.values():
            if len(parts[place]) != table.count:
                raise DataError(
                    f"{table.path}: has {table.count} rows, and {parts[place].filename} has "
                    f"{len(parts[place])}; encode them again"
                )
    name, count = f"embeddings:{folder.resolve().name}", sum(table.count for table in tables)
    if not count:
        raise DataError(f"{name} has no pair; name another folder")
    places = tuple(dict.fromkeys([folder.resolve(), *(root.resolve() for root in roots)]))
    first = next(table for table in tables if table.count)
    here = _IMAGE in first.columns and _file_of(str(first.row(0)[_IMAGE]), places) is not None
    sizes = [[file.name, file.size] for files in found.values() for file in files.values()]
    dataset = Dataset(
        name=name,
        revision=digest_of(sizes),
        examples=Examples(partial(_example, tables, places, here), count),
        reading=Reading("embeddings", f"{_CAPTION} of metadata"),
    )
    return PairPool(
        dataset,
        Rows(f"images of {name}", vectors["img_emb"]),
        Rows(f"captions of {name}", vectors.get("text_emb", ())),
        owners=None,
        reads="hits" if here else "nothing",
    )


def _vectors(file: FoundFile) -> "np.memmap[Any, Any]":
    array = mapped_npy(file.path)
    if array.ndim != 2 or array.dtype.kind != "f":
        raise DataError(f"{file.path}: holds {array.dtype} {array.shape} and no vectors; encode it again")
    return array


@dataclass(frozen=True, slots=True)
class _Table:
    """A parquet file of metadata: its rows, and those of its columns that are read."""

    path: str
    state: str
    count: int
    columns: tuple[str, ...]

    def row(self, place: int) -> dict[str, Any]:
        """A row by its place."""
        return {name: column[place].as_py() for name, column in _columns(self).items()}


def _table(found: FoundFile) -> _Table:
    file = open_parquet(found.path)
    columns = tuple(name for name in (_CAPTION, _IMAGE, _URL) if name in file.schema_arrow.names)
    if _CAPTION not in columns or len(columns) == 1:
        raise DataError(
            f"{found.path}: has no {_CAPTION}, or neither {_IMAGE} nor {_URL}; write them as columns"
        )
    return _Table(found.path, found.state, file.metadata.num_rows, columns)


@lru_cache(maxsize=2)
def _columns(table: _Table) -> dict[str, Any]:
    """The columns of a file that are read; pairs are asked for in their order, file by file."""
    file = open_parquet(table.path)
    with reading_parquet(table.path):
        read = file.read(columns=list(table.columns))
    return {name: read.column(name) for name in table.columns}


def _example(tables: Sequence[_Table], places: Sequence[Path], here: bool, index: int) -> Example:  # noqa: FBT001
    """The pair at an index: its id is the path of its image, or the URL where its image is not here."""
    table, row = tables[0], index
    for table in tables:
        if row < table.count:
            break
        row -= table.count
    said, where = table.row(row), f"{table.path}: row {row}"
    caption = " ".join(str(said[_CAPTION] or "").split())
    target = Target(captions=(caption,) if caption else ())
    if not here:
        id_ = str(said.get(_URL) or said.get(_IMAGE) or "")
        return Example(id_, partial(_refuse, id_, where), target, state=f"{where} {id_}")
    id_ = str(said[_IMAGE])
    file = _file_of(id_, places)
    if file is None:
        return Example(id_, partial(_refuse, id_, where), target, state=f"{where} {id_}")
    return Example(id_, partial(open_image_file, str(file)), target, state=file_state(file))


def _refuse(path: str, where: str) -> "Image":
    raise DataError(
        f"{where}: the image {path!r} is not here; put it beside, or name its folder: --data-root"
    )


def _file_of(path: str, places: Sequence[Path]) -> Path | None:
    """The file of an image below one of the places; what leads out of them is none of theirs."""
    for place in places:
        inside = os.path.relpath(path, place) if os.path.isabs(path) else path  # noqa: PTH117 - a text
        if not wrong_path(inside) and (place / inside).is_file():
            return place / inside
    return None
