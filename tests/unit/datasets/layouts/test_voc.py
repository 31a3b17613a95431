"""Pascal VOC's objects as tags."""

from pathlib import Path

import pytest

from vlbench.core.contracts import Place, Target, Text
from vlbench.core.errors import DataError, SourceMissing
from vlbench.datasets.layouts.voc import voc_tags


def annotation(*objects: tuple[str, int]) -> str:
    parts = (f"<object><name>{name}</name><difficult>{hard}</difficult></object>" for name, hard in objects)
    return f"<annotation><folder>VOC2007</folder>{''.join(parts)}</annotation>"


@pytest.fixture
def voc(tmp_path: Path, png) -> Path:
    root = tmp_path / "data" / "VOCdevkit" / "VOC2007"
    for folder in ("ImageSets/Main", "Annotations", "JPEGImages"):
        (root / folder).mkdir(parents=True)
    objects = {
        "000001": annotation(("dog", 0), ("person", 1), ("dog", 0)),
        "000002": annotation(("train", 1)),
    }
    for seed, (name, text) in enumerate(objects.items()):
        (root / "JPEGImages" / f"{name}.jpg").write_bytes(png(seed))
        (root / "Annotations" / f"{name}.xml").write_text(text)
    (root / "ImageSets" / "Main" / "test.txt").write_text("000002\n000001\n")
    return root


def test_a_list_in_its_order_with_each_class_once(voc: Path) -> None:
    source = voc_tags(Place(roots=(voc.parents[1],)), path="VOCdevkit/VOC2007")
    assert [source[i].id for i in range(len(source))] == ["000002.jpg", "000001.jpg"]
    assert [source[i].target.tags for i in range(2)] == [("train",), ("dog", "person")]
    assert source.offers.names == (Text("dog"), Text("person"), Text("train"))
    easy = voc_tags(Place(), path=str(voc), difficult="left out")
    assert [easy[i].target.tags for i in range(2)] == [(), ("dog",)]
    assert easy.revision != source.revision


def test_a_class_of_difficult_objects_alone_is_unknown_where_asked_so(voc: Path) -> None:
    hard = annotation(("dog", 1), ("dog", 0), ("person", 1), ("person", 1))
    (voc / "Annotations" / "000001.xml").write_text(hard)
    source = voc_tags(Place(), path=str(voc), difficult="unknown")
    assert [source[i].target for i in range(2)] == [
        Target(tags=(), unknown=("train",)),
        Target(tags=("dog",), unknown=("person",)),
    ]
    assert source.offers.names == (Text("dog"), Text("person"), Text("train"))
    assert [str(each) for each in source.reading.left_out] == [
        "4 difficult objects, whose class is unknown (the first: 000002.jpg)"
    ]
    modes = ("unknown", "kept", "left out")
    assert len({voc_tags(Place(), path=str(voc), difficult=mode).revision for mode in modes}) == 3


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("Annotations/000001.xml", "<annotation>", r"000001\.xml: not XML"),
        ("Annotations/000001.xml", "<!DOCTYPE a><a/>", r"000001\.xml: declares entities"),
        ("Annotations/000001.xml", annotation(("", 0)), "an object without a name"),
        ("ImageSets/Main/test.txt", "000001\n000001\n", "is named at .*:1 already"),
        ("ImageSets/Main/test.txt", "\n", r"test\.txt has no line"),
        ("ImageSets/Main/test.txt", "000003\n", r"image .*JPEGImages/000003\.jpg is not there"),
    ],
)
def test_a_wrong_file_is_named(voc: Path, file: str, text: str, told: str) -> None:
    (voc / file).write_text(text)
    with pytest.raises(DataError, match=told):
        voc_tags(Place(), path=str(voc))


def test_a_missing_list_is_missing_data_and_a_missing_annotation_an_error(voc: Path) -> None:
    with pytest.raises(SourceMissing, match=r"no ImageSets/Main/val\.txt"):
        voc_tags(Place(), path=str(voc), split="val")
    (voc / "Annotations" / "000002.xml").unlink()
    with pytest.raises(DataError, match=r"000002\.xml: no such file"):
        voc_tags(Place(), path=str(voc))
