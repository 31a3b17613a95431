"""A user's folder is opened by what lies there."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from vlbench.core.contracts import Place
from vlbench.core.errors import DataError, SourceMissing
from vlbench.sources.layout import detect_layout, own

Png = Callable[[int], bytes]


def test_layouts_are_told_apart(
    class_folder: Path,
    tmp_path: Path,
    png: Png,
    write_parquet: Callable[..., Path],
    write_tar: Callable[[Path, Mapping[str, bytes]], Path],
) -> None:
    assert detect_layout(class_folder).kind == "folder"
    tar = write_tar(tmp_path / "tars" / "test" / "0.tar", {"a.png": png(0)})
    assert detect_layout(tar.parents[1]).kind == "webdataset"
    assert len(own(Place(), path=str(tar.parents[1]))) == 1
    file = write_parquet(tmp_path / "rows" / "data" / "a.parquet", {"image": [png(0), png(1)]})
    assert detect_layout(file.parents[1]).kind == "parquet"
    assert len(own(Place(), path=str(file.parents[1]))) == 2
    assert detect_layout(file).kind == "parquet"
    (class_folder / "metadata.jsonl").write_text('{"file_name": "red_square/0.png"}\n')
    assert detect_layout(class_folder).kind == "jsonl"
    assert own(Place(), path=str(class_folder))[0].id == "red_square/0.png"


def test_a_path_is_of_the_working_folder_first(
    class_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(class_folder, tmp_path / "root" / "classes")
    (tmp_path / "root" / "classes" / "red_square" / "0.png").unlink()
    monkeypatch.chdir(tmp_path)
    assert len(own(Place(roots=(tmp_path / "root",)), path="classes")) == 9
    monkeypatch.chdir(class_folder)
    assert len(own(Place(roots=(tmp_path / "root",)), path="classes")) == 8
    with pytest.raises(SourceMissing, match=r"no folder in .*/none, .*/root/none: pass --data-root"):
        own(Place(roots=(tmp_path / "root",)), path="none")


def test_what_was_looked_for_is_named(class_folder: Path, tmp_path: Path) -> None:
    for split in ("train", "val"):
        shutil.copytree(class_folder, tmp_path / "splits" / split)
    with pytest.raises(DataError, match=r"holds the splits train, val; name the folder of one: .*/train"):
        detect_layout(tmp_path / "splits")
    with pytest.raises(DataError, match=r"holds 3 images flat, as 0\.png, .* sort them into a folder"):
        detect_layout(class_folder / "red_square")
    with pytest.raises(DataError, match=r"0\.png is a file; name a folder"):
        detect_layout(class_folder / "red_square" / "0.png")
