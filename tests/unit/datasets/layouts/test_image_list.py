"""Images of a split that a text file lists."""

from collections.abc import Callable
from pathlib import Path

import pytest

from vlbench.core.contracts import Place, Text
from vlbench.core.errors import DataError, SourceMissing
from vlbench.datasets.layouts.image_list import image_list


@pytest.fixture
def root(tmp_path: Path, png: Callable[[int], bytes]) -> Path:
    for seed, name in enumerate(
        ("images/a/1.jpg", "images/b_c/2.jpg", "images/b_c/out/3.jpg", "images/Cat_4.jpg")
    ):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(seed))
    return tmp_path


def test_labels_are_folders_of_any_depth(root: Path) -> None:
    (root / "data" / "test.txt").write_text("# a remark\n/b_c/2\nb_c/out/3\n\na/1\n")
    source = image_list(Place(roots=(root,)), path="data", list="test.txt", images="images", suffix=".jpg")
    assert [source[i].target.label for i in range(3)] == ["b_c", "b_c/out", "a"]
    assert source[0].id == "b_c/2.jpg"
    assert source.offers.names == (
        Text("a"),
        Text("b c", ids={"label": "b_c"}),
        Text("b c/out", ids={"label": "b_c/out"}),
    )


def test_labels_are_numbers_of_a_column(root: Path) -> None:
    (root / "data" / "test.txt").write_text("Cat_4 2 1 1\na/1 1 2 7\n")
    options = {"path": "data", "list": "test.txt", "images": "images", "suffix": ".jpg", "label": "column"}
    source = image_list(Place(roots=(root,)), **options, first=1)  # type: ignore[arg-type]
    assert [source[i].target.label for i in range(2)] == [1, 0]
    assert source.offers.names == ()
    with pytest.raises(DataError, match=r"test\.txt:1: column 9 is '', no number from 1 on"):
        image_list(Place(roots=(root,)), **options, column=9, first=1)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"test\.txt:1: column 3 is '1', no number from 2 on"):
        image_list(Place(roots=(root,)), **options, column=3, first=2)  # type: ignore[arg-type]
    (root / "data" / "test.txt").write_text(f"Cat_4 {'9' * 5000}\n")
    with pytest.raises(DataError, match=r"test\.txt:1: column 2 is '9{60}\.\.\.', no number from 1 on"):
        image_list(Place(roots=(root,)), **options, first=1)  # type: ignore[arg-type]


def test_what_is_wrong_is_named(root: Path) -> None:
    place = Place(roots=(root,))
    with pytest.raises(SourceMissing, match=r"no test\.txt in"):
        image_list(place, path="data", list="test.txt")
    for text, message in (
        ("a/1.jpg\na/2.jpg\n", r"test\.txt:2: image .*images/a/2\.jpg is not there"),
        ("a/1.jpg\na/1.jpg\n", "is named at .*:1 already"),
        ("../x.jpg\n", "leads out of the folder"),
        ("Cat_4.jpg\n", "lies in no folder, which would be its label"),
        ("# nothing\n", "has no line"),
    ):
        (root / "data" / "test.txt").write_text(text)
        with pytest.raises(DataError, match=message):
            image_list(place, path="data", list="test.txt", images="images")
