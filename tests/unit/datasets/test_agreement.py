"""The same images in four layouts give the same pixels and targets."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from vlbench.core.contracts import Dataset, Place
from vlbench.datasets.readers.folder import folder
from vlbench.datasets.readers.jsonl import jsonl
from vlbench.datasets.readers.parquet import parquet
from vlbench.datasets.readers.webdataset import webdataset


def pixels(source: Dataset) -> list[np.ndarray]:
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(lambda i: np.asarray(source[i].image().convert("RGB")), range(len(source))))


def labels(source: Dataset) -> list[str]:
    names = [text.name for text in source.offers.names]
    found = (source[i].target.label for i in range(len(source)))
    return [names[label] if isinstance(label, int) else str(label).replace("_", " ") for label in found]


def test_four_layouts_agree(
    class_folder: Path,
    tmp_path: Path,
    write_parquet: Callable[..., Path],
    write_tar: Callable[[Path, Mapping[str, bytes]], Path],
) -> None:
    classes = folder(Place(), path=str(class_folder))
    names = [text.name for text in classes.offers.names]
    ids = [classes[i].id for i in range(len(classes))]
    data = [(class_folder / each).read_bytes() for each in ids]
    numbers = [names.index(each.split("/")[0].replace("_", " ")) for each in ids]
    lines = [{"file_name": each, "label": each.split("/")[0]} for each in ids]
    (class_folder / "metadata.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    for part in range(2):
        here = slice(5 * part, 5 * part + 5)
        write_parquet(
            tmp_path / "rows" / f"test-{part:05d}-of-00002.parquet",
            {"image": [{"bytes": each, "path": ""} for each in data[here]], "label": numbers[here]},
            names={"label": names},
        )
        members: dict[str, bytes] = {}
        for i in range(9)[here]:
            members |= {f"{i}.png": data[i], f"{i}.cls": str(numbers[i]).encode()}
        write_tar(tmp_path / "tars" / "test" / f"{part}.tar", members)
    (tmp_path / "tars" / "classnames.txt").write_text("\n".join(names))
    others: list[Dataset] = [
        jsonl(Place(), path=str(class_folder)),
        parquet(Place(), path=str(tmp_path / "rows")),
        webdataset(Place(), path=str(tmp_path / "tars")),
    ]
    expected = pixels(classes)
    assert len({each.tobytes() for each in expected}) == 9
    for other in others:
        assert labels(other) == labels(classes)
        assert all(np.array_equal(a, b) for a, b in zip(pixels(other), expected, strict=True))
        assert [text.name for text in other.offers.names] == names
