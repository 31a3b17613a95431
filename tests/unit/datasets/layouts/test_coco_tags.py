"""COCO's instances as tags."""

import json
from pathlib import Path

import pytest

from vlbench.core.contracts import Place, Text
from vlbench.core.errors import DataError, SourceMissing
from vlbench.datasets.layouts.coco_tags import coco_tags

RECORD = {
    "images": [
        {"id": 9, "file_name": "b.jpg"},
        {"id": 3, "file_name": "a.jpg"},
        {"id": 5, "file_name": "c.jpg"},
    ],
    "categories": [{"id": 90, "name": "toothbrush"}, {"id": 1, "name": "person"}],
    "annotations": [
        {"image_id": 9, "category_id": 90, "iscrowd": 0, "segmentation": [[1, 2]]},
        {"image_id": 9, "category_id": 1, "iscrowd": 1},
        {"image_id": 9, "category_id": 1, "iscrowd": 0},
        {"image_id": 3, "category_id": 1, "iscrowd": 0},
    ],
}


@pytest.fixture
def coco(tmp_path: Path, png) -> Path:
    root = tmp_path / "data" / "coco"
    (root / "annotations").mkdir(parents=True)
    (root / "val2017").mkdir()
    for seed, name in enumerate("abc"):
        (root / "val2017" / f"{name}.jpg").write_bytes(png(seed))
    (root / "annotations" / "instances_val2017.json").write_text(json.dumps(RECORD))
    return root


def test_images_by_id_with_each_category_once(coco: Path, tmp_path: Path) -> None:
    place = Place(roots=(coco.parent,), cache=tmp_path / "cache")
    for _ in range(2):  # the second time from the cache
        source = coco_tags(place, path="coco", split="val2017")
        assert [source[i].id for i in range(3)] == ["a.jpg", "c.jpg", "b.jpg"]
        assert [source[i].target.tags for i in range(3)] == [("person",), (), ("person", "toothbrush")]
    assert source.offers.names == (Text("person", ids={"coco": "1"}), Text("toothbrush", ids={"coco": "90"}))
    labelled = coco_tags(place, path="coco", split="val2017", unlabelled="left out")
    assert [labelled[i].id for i in range(len(labelled))] == ["a.jpg", "b.jpg"]
    assert labelled.revision != source.revision


def test_images_may_lie_in_a_folder_of_images(coco: Path) -> None:
    before = coco_tags(Place(), path=str(coco), split="val2017").revision
    (coco / "images").mkdir()
    (coco / "val2017").rename(coco / "images" / "val2017")
    assert coco_tags(Place(), path=str(coco), split="val2017").revision == before


def test_what_is_wrong_is_named(coco: Path) -> None:
    with pytest.raises(SourceMissing, match=r"no annotations/instances_val2014\.json"):
        coco_tags(Place(roots=(coco.parent,)), path="coco")
    (coco / "val2017" / "c.jpg").unlink()
    with pytest.raises(DataError, match=r"image .*val2017/c\.jpg is not there; complete the images"):
        coco_tags(Place(), path=str(coco), split="val2017")
    file = coco / "annotations" / "instances_val2017.json"
    for text in ("{", "[]", '{"images": []}', json.dumps({**RECORD, "categories": []})):
        file.write_text(text)
        with pytest.raises(DataError, match=r"instances_val2017\.json: (not JSON|no instances of COCO)"):
            coco_tags(Place(), path=str(coco), split="val2017")
