"""A user's folder is opened by what lies there."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from vlbench.core.contracts import Place
from vlbench.core.errors import DataError, SourceMissing
from vlbench.datasets.readers.layout import detect_layout, own

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


def test_class_folders_are_not_taken_over_by_an_archive_that_was_left(
    class_folder: Path, png: Png, write_tar: Callable[..., Path], write_parquet: Callable[..., Path]
) -> None:
    write_tar(class_folder / "red_square" / "red_square.tar", {"a.png": png(0)})
    write_parquet(class_folder / "copy.parquet", {"image": [png(0)]})
    source = own(Place(), path=str(class_folder))
    assert (source.name.partition(":")[0], len(source)) == ("folder", 9)
    assert {each.why: each.first for each in source.reading.left_out} == {
        "archives in class folders, not unpacked": "red_square/red_square.tar",
        "files beside the folders": "copy.parquet",
    }


def test_two_layouts_are_both_named(class_folder: Path, png: Png, write_tar: Callable[..., Path]) -> None:
    write_tar(class_folder / "test" / "0.tar", {"a.png": png(0)})
    with pytest.raises(DataError, match=r"class folders with images \(blue_disc/\) and test/0\.tar; name"):
        detect_layout(class_folder)


def test_images_and_archives_beside_tars_are_counted(
    tmp_path: Path, png: Png, write_tar: Callable[..., Path]
) -> None:
    write_tar(tmp_path / "d" / "test" / "0.tar", {"a.png": png(0)})
    (tmp_path / "d" / "look").mkdir()
    (tmp_path / "d" / "look" / "0.png").write_bytes(png(1))
    (tmp_path / "d" / "more.zip").write_bytes(b"x")
    assert {each.why: each.first for each in own(Place(), path=str(tmp_path / "d")).reading.left_out} == {
        "images that are not in the webdataset files": "look/0.png",
        "archives, not unpacked": "more.zip",
    }


def test_a_split_beside_class_folders_is_no_class(class_folder: Path) -> None:
    shutil.copytree(class_folder / "red_square", class_folder / "train" / "red_square")
    with pytest.raises(DataError, match=r"the split 'train' beside other folders"):
        detect_layout(class_folder)
    shutil.copytree(class_folder / "red_square", class_folder / "test")
    shutil.rmtree(class_folder / "train")
    assert detect_layout(class_folder).kind == "folder"  # a class may be called test


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("test/0.tar.gz", r"test/0\.tar\.gz, which is compressed; unpack it \(gunzip"),
        ("images.zip", r"images\.zip, which is packed; unpack it"),
        (
            "notes.txt",
            r"none of metadata\.jsonl, metadata\.csv, dataset_\*\.json, \*\.parquet, \*\.tar and",
        ),
    ],
)
def test_what_lies_there_is_named(tmp_path: Path, file: str, told: str) -> None:
    (tmp_path / "d" / file).parent.mkdir(parents=True)
    (tmp_path / "d" / file).write_bytes(b"x")
    with pytest.raises(DataError, match=told):
        detect_layout(tmp_path / "d")


def test_a_table_beside_flat_images_is_named(tmp_path: Path, png: Png) -> None:
    (tmp_path / "0.png").write_bytes(png(0))
    (tmp_path / "labels.csv").write_text("file_name,label\n0.png,cat\n")
    with pytest.raises(
        DataError, match=r"1 images flat.*\(labels\.csv is not read\): sort .* metadata\.jsonl"
    ):
        detect_layout(tmp_path)


def karpathy(path: Path, *said: tuple[str, str, str]) -> None:
    images = [{"filename": name, "split": split, "sentences": [{"raw": text}]} for name, split, text in said]
    path.write_text(json.dumps({"images": images, "dataset": "own"}))


def test_karpathys_captions_of_a_folder_are_read_with_the_images_below_it(tmp_path: Path, png: Png) -> None:
    root = tmp_path / "flickr"
    for name in ("train", "photos"):  # as many folders as make class folders
        (root / name).mkdir(parents=True)
        (root / name / f"{name}.png").write_bytes(png(1))
    karpathy(root / "dataset_own.json", ("photos.png", "test", "a dot"), ("train.png", "train", "a line"))
    (root / "dataset_infos.json").write_text("{}")
    for path in (root, root / "dataset_own.json"):
        source = own(Place(), path=str(path))
        assert [(each.id, each.target.captions) for each in source.examples] == [("photos.png", ("a dot",))]
        assert source.reading.labels == "captions of dataset_own.json, test"
    karpathy(root / "dataset_own.json", ("photos.png", "val", "a dot"), ("train.png", "train", "a line"))
    with pytest.raises(DataError, match=r"own\.json: no image of the split 'test'; there is train, val"):
        own(Place(), path=str(root))
    karpathy(root / "dataset_other.json", ("photos.png", "test", "a dot"))
    with pytest.raises(DataError, match=r"holds dataset_other\.json and dataset_own\.json; name the file"):
        own(Place(), path=str(root))
