"""Each card on a miniature in the layouts that people have on disk, without a word of it edited."""

import json
from pathlib import Path

import pytest
import torchvision_folders as made
from card_layouts import Build, Built, build_task, catalogue, labelled, truth, voc
from layout_cases import of as torchvision

from vlbench.acquiring.check import check_data
from vlbench.cards.build import open_task
from vlbench.cards.data_request import DataRequest
from vlbench.core.errors import DataError

pytestmark = pytest.mark.cards


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def built(root: Path, tmp_path: Path) -> Built:
    return lambda name: build_task(name, root, tmp_path / "cache")


def folders(*names: str, suffix: str = ".jpg") -> Build:
    """An image in each folder."""

    def build(root: Path) -> None:
        for n, name in enumerate(names):
            made.picture(root / name / f"{n}{suffix}", n)

    return build


def coop(folder: str, split: str, images: str, *names: str) -> Build:
    """A split file of CoOp with an image a class."""

    def build(root: Path) -> None:
        items = [[f"{name}/{n}.jpg", n, name] for n, name in enumerate(names)]
        for n, (image, _, _) in enumerate(items):
            made.picture(root / folder / images / str(image), n)
        made.text(root / folder / split, json.dumps({"train": [], "val": [], "test": items}))

    return build


def objectnet(root: Path) -> None:
    labels = {"dvd_player": "DVD player", "air_freshener": "Air freshener", "t-shirt": "T-shirt"}
    for n, name in enumerate(labels):
        made.picture(root / "objectnet" / "objectnet-1.0" / "images" / name / "1.png", n)
    mappings = root / "objectnet" / "mappings"
    made.text(mappings / "folder_to_objectnet_label.json", json.dumps(labels))
    made.text(
        mappings / "objectnet_to_imagenet_1k.json", json.dumps({"T-shirt": "jersey", "DVD player": "x"})
    )


def readme(build: Build, *names: str) -> Build:
    """Further files that belong to no class."""

    def both(root: Path) -> None:
        build(root)
        for name in names:
            made.text(root / name, "about the data")

    return both


V2 = "imagenetv2-matched-frequency-format-val"
CASES: list[tuple[str, Build, list[str]]] = [
    ("imagenet@coop", folders("imagenet/images/val/n01440764"), ["tench"]),
    ("imagenet-v2", folders(f"{V2}/0", f"{V2}/10", f"{V2}/2"), ["tench", "brambling", "great white shark"]),
    ("imagenet-v2@coop", folders(f"imagenetv2/{V2}/1"), ["goldfish"]),
    ("imagenet-a", readme(folders("imagenet-a/n01498041"), "imagenet-a/README.txt"), ["stingray"]),
    ("imagenet-a@coop", folders("imagenet-adversarial/imagenet-a/n01498041"), ["stingray"]),
    ("imagenet-r", readme(folders("imagenet-r/n01443537"), "imagenet-r/README.txt"), ["goldfish"]),
    ("imagenet-r@coop", folders("imagenet-rendition/imagenet-r/n01443537"), ["goldfish"]),
    ("imagenet-sketch", folders("sketch/n01443537", suffix=".JPEG"), ["goldfish"]),
    ("imagenet-sketch@coop", folders("imagenet-sketch/images/n01443537"), ["goldfish"]),
    ("imagenet-o", folders("imagenet-o/n01443537"), ["goldfish"]),
    ("imagenet-w", folders("imagenet-w/n01443537"), ["goldfish"]),
    ("imagenet-w", folders("imagenet-w/val/n01443537"), ["goldfish"]),
    ("objectnet", objectnet, ["dvd player", "t-shirt"]),
    ("cifar100@openai", torchvision("CIFAR100", (1, 99)), ["aquarium fish", "worm"]),
    ("stl10", torchvision("STL10", (1, 9)), ["bird", "truck"]),
    ("svhn", torchvision("SVHN", (0, 9)), ["zero", "nine"]),
    ("country211", torchvision("Country211", (0, 1, 2)), ["Andorra", "United Arab Emirates", "Afghanistan"]),
    ("rendered_sst2", torchvision("RenderedSST2", (1, 0)), ["negative", "positive"]),
    ("gtsrb", torchvision("GTSRB", (1,)), ["red and white circle 30 kph speed limit"]),
    ("fer2013", folders("fer2013/test/disgust"), ["disgusted"]),
    ("resisc45", folders("resisc45/test/baseball_diamond"), ["baseball_diamond"]),
    (
        "kitti_distance",
        folders("kitti_distance/test/3"),
        ["a photo i took with no car."],
    ),
    ("voc2007", voc, ["dog", "sofa", "dog"]),
    (
        "dtd@coop",
        coop("dtd", "split_zhou_DescribableTextures.json", "images", "banded", "blotchy"),
        ["banded", "blotchy"],
    ),
    (
        "eurosat@coop",
        coop("eurosat", "split_zhou_EuroSAT.json", "2750", "Forest", "River"),
        ["Forest", "River"],
    ),
    ("imagenet", labelled("imagenet", 1, 0), ["goldfish", "tench"]),
]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("name", "build", "classes"), CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)]
)
def test_classification(name: str, build: Build, classes: list[str], root: Path, built: Built) -> None:
    build(root)
    found = built(name)
    assert truth(found) == [(each,) for each in classes]
    assert found.partial


def test_flat_images_without_labels_are_passed_over_for_a_good_copy_which_is_told(root: Path) -> None:
    flat = root / "imagenet" / "val" / "ILSVRC2012_val_00000001.JPEG"
    made.picture(flat, 1)
    request = DataRequest(roots=(root,), allow_subset=True)
    why = "1 images lie flat, as ILSVRC2012_val_00000001.JPEG, and nothing tells what they show"
    with pytest.raises(DataError, match=rf"^imagenet: .*imagenet/val: {why}; put ILSVRC2012_devkit"):
        open_task("imagenet", catalogue(), request=request)
    assert check_data("imagenet", catalogue(), request, sample=1).state == "differs"
    labelled("wds_imagenet1k", 3)(root)
    task = open_task("imagenet", catalogue(), request=request).task
    assert truth(task) == [("tiger shark",)]
    assert task.remarks[0] == f"imagenet is passed over: {why}"
