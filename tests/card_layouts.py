"""Miniatures of data sets in layouts that several tests of cards need; `torchvision_folders` has others."""

import io
import tarfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from torchvision_folders import picture, text

from vlbench.cards.build import open_task
from vlbench.cards.catalogue import Catalogue, read_catalogue
from vlbench.cards.data_request import DataRequest
from vlbench.core.task import Task

Build = Callable[[Path], None]
Built = Callable[[str], Task]


@cache
def catalogue() -> Catalogue:
    return read_catalogue()


def build_task(name: str, root: Path, cache_folder: Path) -> Task:
    """The task of a card, on what lies under a data root."""
    request = DataRequest(roots=(root,), cache=cache_folder, allow_subset=True)
    return open_task(name, catalogue(), request=request).task


def truth(built: Task) -> list[tuple[str, ...]]:
    """The right texts of each image, which opens."""
    images = built.problem.images
    for i in range(len(images)):
        images[i].image().load()
    rows = built.problem.relevant.block(0, len(images))
    return [tuple(built.problem.texts[j].name for j in row.nonzero()[0]) for row in rows]


def png(seed: int) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (8, 8), (seed * 40 % 256, 9, 99)).save(data, "PNG")
    return data.getvalue()


def voc(root: Path) -> None:
    folder = root / "VOCdevkit" / "VOC2007"
    picture(folder / "JPEGImages" / "000001.jpg", 1)
    text(folder / "ImageSets" / "Main" / "test.txt", "000001")
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>6</ymax></bndbox>"
    objects = "".join(f"<object><name>{name}</name>{box}</object>" for name in ("dog", "sofa", "dog"))
    text(folder / "Annotations" / "000001.xml", f"<annotation>{objects}</annotation>")


def tars(path: Path, *samples: dict[str, bytes]) -> None:
    """A folder in CLIP_benchmark's layout: its samples in one tar of the split `test`."""
    text(path / "test" / "nshards.txt", "1")
    with tarfile.open(path / "test" / "0.tar", "w") as tar:
        for n, sample in enumerate(samples):
            for suffix, data in {"webp": png(n), **sample}.items():
                info = tarfile.TarInfo(f"s{n:07d}.{suffix}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


def labelled(name: str, *labels: int) -> Build:
    return lambda root: tars(root / name, *({"cls": str(label).encode()} for label in labels))


def marked(name: str, *rows: Sequence[int]) -> Build:
    def build(root: Path) -> None:
        samples = []
        for row in rows:
            data = io.BytesIO()
            np.save(data, np.isin(np.arange(20), row).astype(np.float32))
            samples.append({"npy": data.getvalue()})
        tars(root / name, *samples)

    return build


def rows(path: Path, image: str, **columns: list[object]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    images = [{"bytes": png(n), "path": f"{n}.png"} for n in range(2)]
    pq.write_table(pa.table({image: images, **columns}), path)
