"""CoOp's split files: order, names and labels, where images lie, and what is refused."""

import json
import shutil
from pathlib import Path

import pytest

from vlbench.core.contracts import Place, Target, Text
from vlbench.core.errors import DataError, SourceMissing
from vlbench.datasets.layouts.coop_split import coop_split
from vlbench.datasets.readers.folder import folder

TEST = [["blue_disc/1.png", 2, "blue_disc"], ["red_square/0.png", 0, "red_square"]]
SPLITS = {
    "train": [["green_bar/0.png", 1, "Green bar"], ["blue_disc/0.png", 2, "blue_disc"]],
    "val": [["red_square/1.png", 0, "red_square"]],
    "test": TEST,
}


def write(path: Path, splits: object) -> Path:
    path.write_text(splits if isinstance(splits, str) else json.dumps(splits))
    return path


@pytest.fixture
def shapes(class_folder: Path, tmp_path: Path) -> Path:
    """A data set in CoOp's layout: images in a folder beside the split file."""
    root = tmp_path / "data" / "shapes"
    root.mkdir(parents=True)
    shutil.move(class_folder, root / "images")
    write(root / "split_zhou_Shapes.json", SPLITS)
    return root


def test_a_split_in_its_order_with_names_in_the_order_of_the_labels(shapes: Path) -> None:
    place = Place(roots=(shapes.parent,))
    source = coop_split(place, path="shapes/split_zhou_Shapes.json", images="images")
    assert [source[i].id for i in range(len(source))] == ["blue_disc/1.png", "red_square/0.png"]
    assert [source[i].target for i in range(2)] == [Target(label=2), Target(label=0)]
    assert source.offers.names == (
        Text("red square", ids={"label": "red_square"}),
        Text("Green bar"),
        Text("blue disc", ids={"label": "blue_disc"}),
    )
    train = coop_split(place, path="shapes", images="images", split="train")
    assert [train[i].target.label for i in range(len(train))] == [1, 2]
    assert train.offers == source.offers
    there = folder(Place(), path=str(shapes / "images"))
    states = {there[i].id: there[i].state for i in range(len(there))}
    assert source[0].state == states["blue_disc/1.png"]


def test_images_may_lie_under_a_root_or_right_beside_the_file(shapes: Path, tmp_path: Path) -> None:
    (tmp_path / "splits").mkdir()
    shutil.move(shapes / "split_zhou_Shapes.json", tmp_path / "splits" / "mine.json")
    place = Place(roots=(tmp_path, shapes.parent))
    assert len(coop_split(place, path="splits/mine.json", images="shapes/images")) == 2
    with pytest.raises(SourceMissing, match=r"no folder of images in .*/splits/pictures, .*/data/pictures"):
        coop_split(place, path="splits/mine.json", images="pictures")
    shutil.move(tmp_path / "splits" / "mine.json", shapes / "images" / "mine.json")
    assert len(coop_split(place, path="shapes/images/mine.json")) == 2


def test_a_linked_split_file_belongs_to_the_folder_of_the_link(shapes: Path, tmp_path: Path) -> None:
    shutil.move(shapes / "split_zhou_Shapes.json", tmp_path / "elsewhere.json")
    (shapes / "split_zhou_Shapes.json").symlink_to(tmp_path / "elsewhere.json")
    assert len(coop_split(Place(), path=str(shapes), images="images")) == 2


def test_a_folder_stands_for_its_only_split_file(shapes: Path) -> None:
    write(shapes / "split_zhou_Other.json", SPLITS)
    with pytest.raises(DataError, match=r"several split files: split_zhou_Other\.json, split_zhou_Shapes"):
        coop_split(Place(), path=str(shapes), images="images")
    with pytest.raises(SourceMissing, match=r"no split_zhou_\*\.json in .*/shapes/images"):
        coop_split(Place(), path=str(shapes / "images"))


def test_a_corrected_label_and_a_grown_image_change_the_revision_and_a_move_does_not(
    shapes: Path, tmp_path: Path
) -> None:
    def revision(root: Path) -> str:
        return coop_split(Place(), path=str(root), images="images").revision

    first = revision(shapes)
    shutil.copytree(shapes, tmp_path / "copy")
    assert revision(tmp_path / "copy") == first
    with (shapes / "images" / "blue_disc" / "1.png").open("ab") as file:
        file.write(b"0")
    grown = revision(shapes)
    write(shapes / "split_zhou_Shapes.json", {**SPLITS, "test": [[*TEST[0][:1], 0, "red_square"], TEST[1]]})
    assert len({first, grown, revision(shapes)}) == 3


def test_no_image_is_opened(shapes: Path) -> None:
    (shapes / "images" / "blue_disc" / "1.png").write_bytes(b"no image")
    source = coop_split(Place(), path=str(shapes), images="images")
    with pytest.raises(DataError, match=r"blue_disc/1\.png is no image"):
        source[0].image()


@pytest.mark.parametrize(
    ("splits", "told"),
    [
        ('{"test": [', r"json: not JSON \(.*\); correct it, or fetch it again"),
        ([], "json: no JSON object with train, val, test"),
        ({"tests": TEST}, "json: no JSON object with train, val, test"),
        ({"train": TEST}, "json: no images under 'test'; it has train"),
        ({"train": TEST, "test": []}, "json: no images under 'test'; it has train"),
        ({"test": {}}, "json: test: dict where a list"),
        ({"test": [TEST[0][:2]]}, r"json: test\[0\]: \['blue_disc/1.png', 2\] is no \[image path"),
        ({"test": [TEST[1], ["a.png", "0", "a"]]}, r"json: test\[1\]: .* is no \[image path"),
        ({"test": [["a.png", True, "a"]]}, r"json: test\[0\]: .* is no \[image path"),
        ({"test": [["/a.png", 0, "a"]]}, r"json: test\[0\]: '/a.png' leads out"),
        ({"test": [["b/../../a.png", 0, "a"]]}, r"json: test\[0\]: .* leads out"),
        (
            {"train": [["a.png", 0, "cat"]], "test": TEST[1:]},
            r"test\[0\]: label 0 is 'red_square' here and 'cat'",
        ),
        ({"test": TEST}, "json: 2 labels, but none is 1; number them from 0"),
        (
            {"test": [TEST[1], ["red_square/9.png", 0, "red_square"]]},
            r"json: test\[1\]: image .*images/red_square/9\.png .* is not there; complete",
        ),
    ],
)
def test_a_wrong_file_or_item_is_named_on_one_line(shapes: Path, splits: object, told: str) -> None:
    write(shapes / "split_zhou_Shapes.json", splits)
    with pytest.raises(DataError, match=told) as caught:
        coop_split(Place(), path=str(shapes), images="images")
    assert str(shapes) in str(caught.value)
    assert "\n" not in str(caught.value)
