"""ObjectNet in its archive's layout."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from vlbench.core.contracts import Place, Text
from vlbench.core.errors import DataError, SourceMissing
from vlbench.datasets.layouts.objectnet import objectnet

LABELS = {"vase": "Vase", "air_freshener": "Air freshener", "t-shirt": "T-shirt", "dvd_player": "DVD player"}
OVERLAP = {"T-shirt": "jersey", "Vase": "vase", "DVD player": "tape player; CD player"}


@pytest.fixture
def root(tmp_path: Path, png: Callable[[int], bytes]) -> Path:
    for seed, name in enumerate(LABELS):
        folder = tmp_path / "objectnet-1.0" / "images" / name
        folder.mkdir(parents=True)
        (folder / "1.png").write_bytes(png(seed))
    return tmp_path


@pytest.mark.parametrize("mappings", ["mappings", ".", "objectnet-1.0/mappings"])
def test_the_overlapping_classes_by_rank_of_their_folders(root: Path, mappings: str) -> None:
    place = Place(roots=(root,))
    with pytest.raises(SourceMissing, match=r"objectnet-1\.0/images with folder_to_objectnet_label"):
        objectnet(place, path=".")
    (root / mappings).mkdir(exist_ok=True)
    (root / mappings / "folder_to_objectnet_label.json").write_text(json.dumps(LABELS))
    (root / mappings / "objectnet_to_imagenet_1k.json").write_text(json.dumps(OVERLAP))
    source = objectnet(place, path=".")
    assert [(source[i].id, source[i].target.label) for i in range(len(source))] == [
        ("dvd_player/1.png", 0),
        ("t-shirt/1.png", 1),
        ("vase/1.png", 2),
    ]
    assert source.offers.names[0] == Text("dvd player", ids={"folder": "dvd_player"})
    (root / mappings / "objectnet_to_imagenet_1k.json").write_text(json.dumps({"Bench": "bench"}))
    with pytest.raises(DataError, match=r"'Bench'.* are no labels of folder_to_objectnet_label"):
        objectnet(place, path=".")
