"""Small drawn data sets in every layout that a source reads."""

import io
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageDraw

CLASSES = ("red_square", "blue_disc", "green_bar")


def draw_png(seed: int) -> bytes:
    """An image of its own for every seed, as PNG bytes."""
    image = Image.new("RGB", (12 + seed % 5, 10), (seed * 37 % 256, seed * 91 % 256, seed * 53 % 256))
    ImageDraw.Draw(image).rectangle((2, 2, 5 + seed % 4, 6), fill=(255 - seed, seed * 7 % 256, 128))
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


@pytest.fixture
def png() -> Callable[[int], bytes]:
    """PNG bytes by seed, each another image."""
    return draw_png


@pytest.fixture
def class_folder(tmp_path: Path) -> Path:
    """Three class folders with three images each: image k of class c has seed 10 c + k."""
    root = tmp_path / "classes"
    for c, name in enumerate(CLASSES):
        (root / name).mkdir(parents=True)
        for k in range(3):
            (root / name / f"{k}.png").write_bytes(draw_png(10 * c + k))
    return root


@pytest.fixture
def write_parquet() -> Callable[..., Path]:
    """Write columns to a parquet file; `names` maps columns to class names, as `datasets` notes them."""

    def write(
        path: Path,
        columns: Mapping[str, Sequence[object]],
        *,
        names: Mapping[str, Sequence[str]] | None = None,
        listed: Sequence[str] = (),
        row_group_size: int = 100,
    ) -> Path:
        table = pa.table({name: pa.array(values) for name, values in columns.items()})
        if names:
            features: dict[str, Any] = {
                column: {"names": list(values), "_type": "ClassLabel"} for column, values in names.items()
            }
            features |= {column: {"feature": features[column], "_type": "List"} for column in listed}
            table = table.replace_schema_metadata(
                {"huggingface": json.dumps({"info": {"features": features}})}
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path, row_group_size=row_group_size)
        return path

    return write


@pytest.fixture
def write_tar() -> Callable[[Path, Mapping[str, bytes]], Path]:
    """Write members to a tar in the order given."""

    def write(path: Path, members: Mapping[str, bytes]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(path, "w") as tar:
            for name, data in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return path

    return write
