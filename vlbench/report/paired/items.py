"""Per-item records next to results: `<task>/<model>.items.npz`, written by every run.

Indices take as few bytes as they need and are stored by byte planes (all low bytes, then all high ones),
which compresses better. Equal items give equal bytes.
"""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlbench.core.digest import digest_of
from vlbench.core.errors import DataError
from vlbench.core.files import write_atomically
from vlbench.core.items import Indices, Items
from vlbench.core.json_text import parsed_json
from vlbench.core.npz_file import opened_npz
from vlbench.core.result import Result
from vlbench.report.results import result_path

ENDING = ".items.npz"
LAYOUT = 1
"""The version of the file layout."""

_INDICES = ("image_ranks", "classes", "text_ranks", "text_images", "positives", "pairs")
_NUMBERS = ("influence", "scores", "pair_scores")


def has_whole_items(folder: Path, result: Result, *, scores: bool = False) -> bool:
    """Whether the per-item record next to a result belongs to it.

    With `scores`, the record must hold the score matrix of a task that keeps one.
    """
    path = folder / result_path(result, ENDING)
    try:
        with opened_npz(path, path) as archive:
            enough = not scores or "scores" in archive.files or "positives" not in archive.files
            return str(archive["about"]) == _about(result) and enough
    except DataError:
        return False


def write_items(result: Result, items: Items, folder: Path) -> Path:
    """Write the items of a result atomically."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name in (*_INDICES, *_NUMBERS):
        if (array := getattr(items, name)) is not None:
            arrays[name] = _packed(array.ravel()) if name in _INDICES else array
    buffer = BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, about=np.array(_about(result)), **arrays)
    path = folder / result_path(result, ENDING)
    write_atomically(path, buffer.getvalue())
    return path


def has_items(folder: Path, result: Result) -> bool:
    """Whether there are items next to a result, damaged or not."""
    return (folder / result_path(result, ENDING)).is_file()


def read_items(folder: Path, result: Result) -> Items:
    """Read the items of a result.

    Raises:
        DataError: they are missing, damaged, or from another run.
    """
    path = folder / result_path(result, ENDING)
    again = f"run {result.model} on {result.task} again"
    if not path.is_file():
        raise DataError(f"{path}: there is no per-item record next to the result; {again}")
    with opened_npz(path, path, "a damaged per-item record", f"delete it and {again}") as archive:
        about = parsed_json(str(archive["about"]))
        differing = [name for name, value in parsed_json(_about(result)).items() if about[name] != value]
        items = Items() if differing else _items(archive, result)
    if differing:
        raise DataError(
            f"{path}: the per-item record is from another run: its {differing[0]} differ; {again}"
        )
    return items


def _items(archive: "np.lib.npyio.NpzFile", result: Result) -> Items:
    """The items in an archive; ValueError if their counts are not those of the result."""
    n, m = result.n_images or -1, result.n_texts  # candidates that are texts are counted nowhere else
    shapes = {
        "image_ranks": (n,),
        "classes": (n,),
        "text_ranks": (m,),
        "text_images": (m,),
        "positives": (-1, 2),
        "influence": (n,),
        "scores": (n, m),
        "pairs": (-1, 4),
        "pair_scores": (-1,),
    }
    arrays: dict[str, Any] = {}
    for name, shape in shapes.items():
        if name in archive.files:
            array = archive[name]
            arrays[name] = (_unpacked(array) if name in _INDICES else array).reshape(shape)
    return Items(**arrays)


def _about(result: Result) -> str:
    """What a per-item record states about its result: names, digests and values, but no times."""
    return json.dumps(
        {
            "layout": LAYOUT,
            "task": result.task,
            "model": result.model,
            "protocol": result.protocol_digest,
            "digests": dict(result.digests),
            "metrics": digest_of([[each.metric, each.value] for each in result.metrics]),
        },
        sort_keys=True,
        ensure_ascii=False,
    )


def _packed(indices: Indices) -> NDArray[np.uint8]:
    """Store indices of -1 or more, plus one, as byte planes: [bytes, n].

    >>> _packed(np.array([0, 255])).tolist()
    [[1, 0], [0, 1]]
    """
    shifted = (indices + 1).astype("<u8")
    planes = shifted.view(np.uint8).reshape(-1, 8).T
    used = (int(shifted.max(initial=0)).bit_length() + 7) // 8
    return np.ascontiguousarray(planes[:used])


def _unpacked(planes: NDArray[np.uint8]) -> Indices:
    """The indices in byte planes.

    >>> _unpacked(_packed(np.array([-1, 70000]))).tolist()
    [-1, 70000]
    """
    whole = np.zeros((8, planes.shape[1]), dtype=np.uint8)
    whole[: len(planes)] = planes
    return np.ascontiguousarray(whole.T).view("<u8").ravel().astype(np.int64) - 1
