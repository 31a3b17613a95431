"""Class folders: what is an image, what a class, and what is refused."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from vlbench.core.contracts import Place, Target, Text
from vlbench.core.errors import DataError, SourceMissing
from vlbench.core.files import file_state
from vlbench.datasets.readers.folder import folder


def test_classes_are_sorted_and_images_follow_their_class(class_folder: Path) -> None:
    (class_folder / "blue_disc" / "deeper").mkdir()
    shutil.copy(class_folder / "blue_disc" / "0.png", class_folder / "blue_disc" / "deeper" / "X.JPEG")
    source = folder(Place(roots=(class_folder.parent,)), path="classes")
    assert [source[i].id for i in range(4)] == [
        "blue_disc/0.png",
        "blue_disc/1.png",
        "blue_disc/2.png",
        "blue_disc/deeper/X.JPEG",
    ]
    assert len(source) == 10
    assert source[9].target == source[9].target == Target(label="red_square")
    assert source.offers.names == (
        Text("blue disc", ids={"folder": "blue_disc"}),
        Text("green bar", ids={"folder": "green_bar"}),
        Text("red square", ids={"folder": "red_square"}),
    )
    assert source.offers.templates == ()
    assert source.name == "folder:classes"


def test_a_folder_name_sorts_before_names_it_begins(class_folder: Path) -> None:
    # as strings, "red_square (1)/" lies before "red_square/"
    shutil.copytree(class_folder / "red_square", class_folder / "red_square (1)")
    source = folder(Place(), path=str(class_folder))
    labels = [source[i].target.label for i in range(len(source))]
    assert labels == sorted(labels, key=str)
    assert [text.ids["folder"] for text in source.offers.names] == sorted(set(labels), key=str)


def test_hidden_files_companions_and_files_of_the_root_are_left_out(class_folder: Path) -> None:
    for name in (
        "README",
        "overview.png",
        "red_square/Thumbs.db",
        "red_square/.hidden.png",
        "red_square/a.txt",
    ):
        (class_folder / name).write_bytes(b"?")
    (class_folder / ".git").mkdir()
    (class_folder / "templates.txt").write_text("a drawing of a {}.\n{}\n")
    source = folder(Place(), path=str(class_folder))
    assert len(source) == 9
    assert source.offers.templates == ("a drawing of a {}.", "{}")


def test_a_file_that_may_be_an_image_of_another_format_is_refused(class_folder: Path) -> None:
    (class_folder / "red_square" / "3.heic").write_bytes(b"?")
    with pytest.raises(DataError, match=r"red_square/3\.heic is no image by its suffix"):
        folder(Place(), path=str(class_folder))


def test_an_empty_class_folder_is_named(class_folder: Path) -> None:
    (class_folder / "grey_dot").mkdir()
    with pytest.raises(DataError, match=r"class folder .*/grey_dot holds no image"):
        folder(Place(), path=str(class_folder))


def test_images_without_a_class_folder_are_missing_data(tmp_path: Path, class_folder: Path) -> None:
    (tmp_path / "flat" / "docs").mkdir(parents=True)
    shutil.copy(class_folder / "red_square" / "0.png", tmp_path / "flat")
    with pytest.raises(SourceMissing, match=r"no image in the folders of .*/flat: put images into"):
        folder(Place(), path=str(tmp_path / "flat"))


def test_a_fingerprint_is_the_state_of_the_file_through_links_too(class_folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.move(class_folder / "green_bar", elsewhere)
    (class_folder / "green_bar").symlink_to(elsewhere)
    (class_folder / "red_square" / "link.png").symlink_to(elsewhere / "1.png")
    (tmp_path / "root").symlink_to(class_folder)
    source = folder(Place(roots=(tmp_path,)), path="root")
    fingerprints = {source[i].id: source[i].state for i in range(len(source))}
    assert fingerprints == {name: file_state(class_folder / name) for name in fingerprints}
    assert fingerprints["red_square/link.png"] == fingerprints["green_bar/1.png"]
    os.utime(class_folder / "red_square" / "0.png", ns=(1, 1))
    again = folder(Place(roots=(tmp_path,)), path="root")
    changed = [again[i].id for i in range(len(again)) if again[i].state != source[i].state]
    assert changed == ["red_square/0.png"]


def test_links_in_a_circle_are_refused(class_folder: Path) -> None:
    (class_folder / "red_square" / "up").symlink_to(class_folder)
    with pytest.raises(DataError, match="red_square/up leads back to"):
        folder(Place(), path=str(class_folder))


def test_a_revision_is_of_names_and_sizes_and_of_bytes_where_verified(
    class_folder: Path, tmp_path: Path
) -> None:
    def revision(root: Path, **options: object) -> str:
        return folder(Place(cache=tmp_path / "cache", verify=bool(options)), path=str(root)).revision

    copy = tmp_path / "copy"
    shutil.copytree(class_folder, copy)
    os.utime(copy / "red_square" / "0.png", ns=(1, 1))
    assert revision(copy) == revision(class_folder)
    assert revision(copy, verify=True) == revision(class_folder, verify=True)
    assert revision(copy, verify=True).startswith("sha256:")
    data = (copy / "red_square" / "0.png").read_bytes()
    (copy / "red_square" / "0.png").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert revision(copy) == revision(class_folder)
    assert revision(copy, verify=True) != revision(class_folder, verify=True)
    (copy / "red_square" / "0.png").write_bytes(data + b"0")
    assert revision(copy) != revision(class_folder)


def test_a_name_that_is_not_utf8_is_refused(class_folder: Path) -> None:
    (class_folder / "red_square" / os.fsdecode(b"\xff.png")).write_bytes(b"?")
    with pytest.raises(DataError, match=r"the name b'.*' is not UTF-8; rename it"):
        folder(Place(), path=str(class_folder))


def test_nothing_is_opened_until_an_image_is_asked_for(class_folder: Path) -> None:
    damaged = class_folder / "red_square" / "0.png"
    damaged.write_bytes(b"no image at all")
    (class_folder / "red_square" / "1.png").write_bytes(b"")
    source = folder(Place(), path=str(class_folder))
    at = {source[i].id: source[i] for i in range(len(source))}
    with pytest.raises(
        DataError, match=r"red_square/0\.png is no image of a kind that is read .AVIF, .*; replace the file"
    ):
        at["red_square/0.png"].image()
    with pytest.raises(DataError, match=r"red_square/1\.png is empty"):
        at["red_square/1.png"].image()
    (class_folder / "red_square" / "2.png").unlink()
    with pytest.raises(DataError, match=r"red_square/2\.png cannot be read"):
        at["red_square/2.png"].image()


def test_an_exif_orientation_is_not_applied(class_folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    Image.new("RGB", (7, 3)).save(class_folder / "red_square" / "0.jpg", exif=exif)
    source = folder(Place(), path=str(class_folder))
    (turned,) = (source[i] for i in range(len(source)) if source[i].id == "red_square/0.jpg")
    assert turned.image().size == (7, 3)


def test_folders_named_by_index(tmp_path: Path, png: Callable[[int], bytes]) -> None:
    for name in ("10", "2", "007"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(png(1))
    source = folder(Place(), path=str(tmp_path), labels="indices")
    assert {source[i].id: source[i].target.label for i in range(3)} == {
        "007/a.png": 7,
        "10/a.png": 10,
        "2/a.png": 2,
    }
    assert source.offers.names == ()
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "a.png").write_bytes(png(1))
    with pytest.raises(DataError, match="others is no index of a class"):
        folder(Place(), path=str(tmp_path), labels="indices")
    assert len(folder(Place(), path=str(tmp_path), labels="indices", leave_out=["others"])) == 3


def test_folders_that_are_no_classes(class_folder: Path) -> None:
    source = folder(Place(), path=str(class_folder), leave_out=["blue_disc"])
    assert {source[i].target.label for i in range(len(source))} == {"red_square", "green_bar"}
    assert [text.name for text in source.offers.names] == ["green bar", "red square"]
    with pytest.raises(SourceMissing, match="no image in the folders of"):
        folder(Place(), path=str(class_folder), leave_out=["red_square", "blue_disc", "green_bar"])
