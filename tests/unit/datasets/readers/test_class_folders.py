"""A file of names beside class folders names them, or is refused; it is never passed over."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from vlbench.core.contracts import Place, Text
from vlbench.core.errors import DataError, SourceMissing
from vlbench.core.label_index import LabelIndex
from vlbench.datasets.readers.folder import folder, own_folder

Png = Callable[[int], bytes]
Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path, png: Png) -> Make:
    """Class folders with an image each, and a file of names beside them."""

    def make(folders: list[str], names: str | None = None, file: str = "names.txt") -> Path:
        root = tmp_path / "data"
        for number, each in enumerate(folders):
            (root / each).mkdir(parents=True)
            (root / each / "0.png").write_bytes(png(number))
        if names is not None:
            (root / file).write_text(names)
        return root

    return make


def classes(root: Path) -> dict[str, str]:
    """The name that each folder's images are asked by."""
    source = own_folder(Place(), path=str(root))
    index = LabelIndex.of(source.offers.names, "t")
    found = {}
    for i in range(len(source)):
        label = source[i].target.label
        assert label is not None
        found[source[i].id.split("/")[0]] = source.offers.names[index.position(label, lambda: "x")].name
    return found


@pytest.mark.parametrize("file", ["names.txt", "classnames.txt"])
def test_folders_of_numbers_are_lines_of_the_names_beside_them(make: Make, file: str) -> None:
    names = "".join(f"kind {i}\n" for i in range(12))
    root = make([str(i) for i in range(12)], names, file)
    assert classes(root) == {str(i): f"kind {i}" for i in range(12)}  # 10 is line 10, not line 2
    assert own_folder(Place(), path=str(root)).reading.labels == f"class folders, lines of {file}"


def test_folders_are_found_by_name_or_second_column(make: Make) -> None:
    root = make(["red_cat", "n02", "cow"], "cow\na big dog\tn02\nred cat\n")
    assert classes(root) == {"red_cat": "red cat", "n02": "a big dog", "cow": "cow"}
    assert [text.name for text in own_folder(Place(), path=str(root)).offers.names] == [
        "cow",
        "a big dog",
        "red cat",
    ]


def test_a_line_without_a_folder_and_a_folder_without_an_image_stay_candidates(make: Make) -> None:
    root = make(["cat", "dog"], "cat\ncow\ndog\nhen\n")
    (root / "hen").mkdir()
    source = own_folder(Place(), path=str(root))
    assert [text.name for text in source.offers.names] == ["cat", "cow", "dog", "hen"]
    assert source.reading.remarks == ()
    (root / "names.txt").unlink()
    alone = own_folder(Place(), path=str(root))
    assert [text.name for text in alone.offers.names] == ["cat", "dog", "hen"]
    assert alone.reading.remarks == ("1 class folders are empty and stay candidates, as hen",)
    with pytest.raises(DataError, match="hen holds no image"):  # of a card's data, images are missing
        folder(Place(), path=str(root))
    (root / "hen" / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"hen holds no image; .*, or list all classes in .*names\.txt"):
        own_folder(Place(), path=str(root))
    shutil.rmtree(root / "hen")
    assert own_folder(Place(), path=str(root)).revision != alone.revision


@pytest.mark.parametrize(
    ("folders", "names", "told"),
    [
        (["1", "2", "3"], "a\nb\nc\n", r"3 lines, numbered from 0, and the folders go from 1 to 3"),
        (["0", "1"], "a\n", "1 lines, numbered from 0"),
        (["01", "1"], "a\nb\n", "numbered from 0"),
        (["cat", "dog"], "cat\ncow\n", "no one line is folder 'dog'"),
        (["n01440764", "n01443537"], "tench\ngoldfish\n", "no one line is folder 'n01440764'"),
        (["cat", "dog"], "cat\ndog\ncat\n", "no one line is folder 'cat'"),
        (["0", "1"], "0: cat\n1: dog\n", "names.txt:1: '0: cat' begins with its number"),
    ],
)
def test_names_that_do_not_fit_the_folders_are_refused(
    make: Make, folders: list[str], names: str, told: str
) -> None:
    with pytest.raises(DataError, match=told):
        own_folder(Place(), path=str(make(folders, names)))


def test_a_card_keeps_its_names_and_says_what_is_not_read(make: Make) -> None:
    source = folder(Place(), path=str(make(["cat", "dog"], "cow\nhen\n")))
    assert source.offers.names == (Text("cat", ids={"folder": "cat"}), Text("dog", ids={"folder": "dog"}))
    assert "not read: " in source.reading.remarks[0]
    assert source[0].target.label == "cat"  # what the card's own names know


def test_what_lies_beside_and_in_the_class_folders_is_counted(make: Make, png: Png) -> None:
    root = make(["cat", "dog"])
    (root / "flat.png").write_bytes(png(1))
    (root / "notes.md").write_text("x")
    (root / "cat" / "labels.json").write_text("{}")
    (root / "dog" / "dog.tar").write_bytes(b"x")
    (root / "dog" / "deep").mkdir()
    (root / "dog" / "deep" / "1.png").write_bytes(png(2))
    for junk in ("__MACOSX", "@eaDir", "lost+found", ".ipynb_checkpoints"):
        (root / junk).mkdir()
        (root / junk / "x.png").write_bytes(png(3))
    reading = own_folder(Place(), path=str(root)).reading
    assert {each.why: (each.count, each.first) for each in reading.left_out} == {
        "images in no class folder": (1, "flat.png"),
        "files beside the folders": (1, "notes.md"),
        "files in class folders that are no images": (1, "cat/labels.json"),
        "folders that are hidden, or left by an archiver or a system": (4, ".ipynb_checkpoints"),
        "archives in class folders, not unpacked": (1, "dog/dog.tar"),
    }
    assert reading.remarks == ("1 images lie deeper, as dog/deep/1.png; the upper folder is the class",)


def test_images_that_lie_flat_are_told(tmp_path: Path, png: Png) -> None:
    (tmp_path / "val").mkdir()
    for i in range(2):
        (tmp_path / "val" / f"ILSVRC2012_val_{i}.JPEG").write_bytes(png(i))
    with pytest.raises(SourceMissing, match=r"2 images lie flat in .*val, as ILSVRC2012_val_0\.JPEG.*: move"):
        folder(Place(roots=(tmp_path,)), path="val")
