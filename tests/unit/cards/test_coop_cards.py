"""The cards of CoOp's data sets read a miniature of the layout that its DATASETS.md asks for."""

import json
from pathlib import Path

import pytest

from vlbench.cards.build import open_task, open_training
from vlbench.cards.card_file import read_card
from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.data_request import DataRequest
from vlbench.cards.folders import built_in_folder
from vlbench.cards.schema import TaskCard

pytestmark = pytest.mark.cards

LAYOUTS = {
    "caltech101": ("caltech-101", "Caltech101", "101_ObjectCategories"),
    "dtd": ("dtd", "DescribableTextures", "images"),
    "eurosat": ("eurosat", "EuroSAT", "2750"),
    "flowers102": ("oxford_flowers", "OxfordFlowers", "jpg"),
    "food101": ("food-101", "Food101", "images"),
    "oxford_pets": ("oxford_pets", "OxfordPets", "images"),
    "stanford_cars": ("stanford_cars", "StanfordCars", ""),
    "sun397": ("sun397", "SUN397", "SUN397"),
    "ucf101": ("ucf101", "UCF101", "UCF-101-midframes"),
}
"""Folder, split file and folder of images; source: github.com/KaiyangZhou/CoOp, DATASETS.md."""

PROMPTS = {
    "caltech101": "a photo of a big dog.",
    "dtd": "big dog texture.",
    "eurosat": "a centered satellite photo of big dog.",
    "fgvc_aircraft": "a photo of a big dog, a type of aircraft.",
    "flowers102": "a photo of a big dog, a type of flower.",
    "food101": "a photo of big dog, a type of food.",
    "oxford_pets": "a photo of a big dog, a type of pet.",
    "stanford_cars": "a photo of a big dog.",
    "sun397": "a photo of a big dog.",
    "ucf101": "a photo of a person doing big dog.",
}
"""Source: the same repository, trainers/zsclip.py."""


def put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"never opened")


def split_layout(root: Path, folder: str, name: str, images: str) -> None:
    splits = {
        "train": [["a/1.jpg", 1, "cat"], ["a/2.jpg", 0, "big_dog"], ["a/3.jpg", 1, "cat"]],
        "val": [["a/4.jpg", 0, "big_dog"]],
        "test": [["b/c/5.jpg", 1, "cat"], ["b/6.jpg", 0, "big_dog"]],
    }
    for items in splits.values():
        for item in items:
            put(root / folder / images / str(item[0]))
    (root / folder / f"split_zhou_{name}.json").write_text(json.dumps(splits))


def aircraft_layout(root: Path) -> None:
    folder = root / "fgvc_aircraft"
    for number in range(1, 7):
        put(folder / "images" / f"{number}.jpg")
    (folder / "variants.txt").write_text("big dog\ncat\n")
    (folder / "images_variant_train.txt").write_text("1 cat\n2 big dog\n3 cat\n")
    (folder / "images_variant_test.txt").write_text("5 cat\n6 big dog\n")


@pytest.mark.parametrize("name", sorted(PROMPTS))
def test_a_card_reads_its_layout(name: str, tmp_path: Path) -> None:
    if name in LAYOUTS:
        split_layout(tmp_path, *LAYOUTS[name])
    else:
        aircraft_layout(tmp_path)
    request = DataRequest(roots=(tmp_path,), allow_subset=True)
    found = open_task(f"{name}@coop", read_catalogue(), request=request).task
    assert [text.name for text in found.problem.texts] == ["big dog", "cat"]
    assert found.problem.texts[0].prompts == (PROMPTS[name],)
    assert found.problem.relevant.queries.tolist() == [1, 0]
    assert (found.protocol.name, found.primary) == ("coop", "acc1")
    card = read_card(built_in_folder() / "tasks" / f"{name}@coop.yaml", TaskCard).card
    assert f"2 texts where the card says {card.expect.texts}" in found.partial

    training = open_training(f"{name}@coop", read_catalogue(), request=request).task
    assert training.problem.relevant.queries.tolist() == [1, 0, 1]
    ids = [{part.problem.images[i].id for i in range(n)} for part, n in ((training, 3), (found, 2))]
    assert not ids[0] & ids[1]


def test_the_named_folder_of_a_task_is_read_too(tmp_path: Path) -> None:
    split_layout(tmp_path, "here", "EuroSAT", "2750")
    request = DataRequest(roots_by_task={"eurosat@coop": tmp_path / "here"}, allow_subset=True)
    assert len(open_task("eurosat@coop", read_catalogue(), request=request).task.problem.images) == 2


def test_imagenet_learns_from_the_folders_of_its_training_images(tmp_path: Path) -> None:
    for wnid in ("n01440764", "n15075141"):
        put(tmp_path / "imagenet" / "train" / wnid / f"{wnid}_1.JPEG")
    training = open_training("imagenet", read_catalogue(), request=DataRequest(roots=(tmp_path,))).task
    assert training.problem.relevant.queries.tolist() == [0, 999]
    assert training.problem.images.name == "folder:imagenet/train"
