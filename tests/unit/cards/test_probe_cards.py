"""The cards of `probe20` read miniatures of their training and validation images, which no test image is."""

import io
import json
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torchvision_folders as made
from card_layouts import png
from torchvision.datasets import utils

from vlbench.cards.build import open_task, open_training
from vlbench.cards.card_file import parse_card
from vlbench.cards.catalogue import find, read_catalogue
from vlbench.cards.data_request import DataRequest
from vlbench.cards.folders import Entry
from vlbench.cards.schema import TaskCard
from vlbench.core.errors import DataError
from vlbench.core.problem import Problem
from vlbench.core.task import Task

pytestmark = pytest.mark.cards

CATALOGUE = read_catalogue()
TASKS = CATALOGUE.collections["probe20"].tasks
Opened = Callable[..., Task]

COUNTS = {
    "caltech101": 3060,
    "cifar10": 50000,
    "cifar100": 50000,
    "country211": 31650,
    "dtd": 1880,
    "eurosat": 5000,
    "fer2013": 28709,
    "fgvc_aircraft": 3334,
    "flowers102": 1020,
    "food101": 75750,
    "gtsrb": 26640,
    "hateful_memes": 8500,
    "kitti_distance": 6347,
    "mnist": 60000,
    "oxford_pets": 3680,
    "pcam": 262144,
    "rendered_sst2": 6920,
    "resisc45": 3150,
    "stanford_cars": 8144,
    "voc2007-multilabel": 2501,
}
"""Training images. Source: the ELEVATER toolkit, resources/datasets/vision_datasets.json."""


def card_of(name: str) -> TaskCard:
    entry = find(CATALOGUE, name, "task")
    assert isinstance(entry, Entry)
    return parse_card(entry.path, TaskCard)


def test_all_twenty_name_training_images_as_many_as_the_toolkit_has() -> None:
    assert TASKS == CATALOGUE.collections["elevater20"].tasks
    trains = {name.partition("@")[0]: card_of(name).train for name in TASKS}
    assert {name: train and train.images for name, train in trains.items()} == COUNTS
    assert sum(card_of(name).validation is not None for name in TASKS) == 11


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    def build(name: str, **options: bool) -> Task:
        splits = frozenset({"train", "validation"})
        request = DataRequest(roots=(tmp_path,), cache=tmp_path / "cache", splits=splits, **options)  # type: ignore[arg-type]
        return open_task(name, CATALOGUE, request=request).task

    return build


def write(root: Path, **texts: str) -> None:
    for name, content in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")


def picture(path: Path) -> None:
    """A picture like no other under the root."""
    made.picture(path, zlib.crc32(str(path).encode()) % 256)


def shown(problem: Problem) -> list[str]:
    return [problem.texts[index].name for index in problem.relevant.queries]


def as_lists(root: Path, file: str, image: str, **lines: str) -> None:
    """A list for each split, and an image, of bytes of its own, for each line."""
    for split, line in lines.items():
        place = image.format(line.split()[0])
        write(root, **{file.format(split): f"{line}\n"})
        picture(root / place)


def dtd(root: Path) -> None:
    lists = {"train": "banded/1.jpg", "val": "blotchy/2.jpg", "test": "banded/3.jpg"}
    as_lists(root, "dtd/labels/{}1.txt", "dtd/images/{}", **lists)


def pets(root: Path) -> None:
    lists = {"trainval": "a_1 2 2 1", "test": "b_1 1 1 1"}
    as_lists(root, "oxford_pets/annotations/{}.txt", "oxford_pets/images/{}.jpg", **lists)


def food(root: Path) -> None:
    as_lists(root, "food-101/meta/{}.txt", "food-101/images/{}.jpg", train="apple_pie/1", test="waffles/2")


def aircraft(root: Path) -> None:
    folder = "fgvc-aircraft-2013b/data"
    write(root, **{f"{folder}/variants.txt": "707-320\n727-200\n"})
    lists = {"train": "001 707-320", "val": "002 727-200", "test": "003 707-320"}
    as_lists(root, f"{folder}/images_variant_{{}}.txt", f"{folder}/images/{{}}.jpg", **lists)


def voc(root: Path) -> None:
    folder = "VOCdevkit/VOC2007"
    lists = {"train": "000001", "val": "000002", "test": "000003"}
    as_lists(root, f"{folder}/ImageSets/Main/{{}}.txt", f"{folder}/JPEGImages/{{}}.jpg", **lists)
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>6</ymax></bndbox>"
    for number, name in zip(lists.values(), ("dog", "sofa", "cat"), strict=True):
        found = f"<annotation><object><name>{name}</name>{box}</object></annotation>"
        write(root, **{f"{folder}/Annotations/{number}.xml": found})


def class_folders(*images: str) -> Callable[[Path], None]:
    def build(root: Path) -> None:
        for image in images:
            picture(root / image)

    return build


def tars(root: Path) -> None:
    write(root, **{"wds_cars/classnames.txt": "a\nb\n"})
    for label, split in enumerate(("train", "test")):
        write(root, **{f"wds_cars/{split}/nshards.txt": "1\n"})
        with tarfile.open(root / "wds_cars" / split / "0.tar", "w") as archive:
            for suffix, data in (("png", png(label)), ("cls", str(label).encode())):
                member = tarfile.TarInfo(f"0000.{suffix}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))


def memes(root: Path) -> None:
    for split in ("train", "dev"):
        line = json.dumps({"file_name": "1.png", "label": 1})
        write(root, **{f"hateful_memes/{split}/metadata.jsonl": f"{line}\n"})
        picture(root / "hateful_memes" / split / "1.png")


FER = ("fer2013/train/sad/1.jpg", "fer2013/public_test/angry/2.jpg", "fer2013/private_test/fear/3.jpg")
GTSRB = ("gtsrb/train/00001/1.ppm", "gtsrb/test/00000/2.ppm")
LAYOUTS: dict[str, tuple[Callable[[Path], None], list[str], list[str]]] = {
    "dtd@elevater": (dtd, ["banded"], ["blotchy"]),
    "oxford_pets@elevater": (pets, ["american bulldog"], []),
    "food101@elevater": (food, ["apple pie"], []),
    "fgvc_aircraft": (aircraft, ["707-320"], ["727-200"]),
    "voc2007-multilabel@elevater": (voc, ["dog"], ["sofa"]),
    "fer2013@elevater": (class_folders(*FER), ["sad"], ["angry"]),
    "gtsrb@elevater": (class_folders(*GTSRB), ["red and white circle 30 kph speed limit"], []),
    "stanford_cars": (tars, ["AM General Hummer SUV 2000"], []),
    "hateful_memes@elevater": (memes, ["hatespeech meme"], []),
}
"""The images of each layout, and the classes of those that are trained and validated on."""


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_a_layout_has_its_splits(name: str, opened: Opened, tmp_path: Path) -> None:
    build, train, validation = LAYOUTS[name]
    build(tmp_path)
    with pytest.raises(DataError, match=f"{name}: .* has 1 images where the card says"):
        opened(name)
    found = opened(name, allow_subset=True)
    of_split = {split: shown(problem) for split, problem in found.learn_from.items()}
    assert of_split == {"train": train, **({"validation": validation} if validation else {})}
    assert len(found.problem.images) == 1
    assert any(each.startswith("of its train split: 1 images where") for each in found.remarks)


sst2 = made.in_folders("rendered-sst2", "train", names=("negative", "positive"), suffix=".png")
countries = made.in_folders("country211", "train", names=("AD", "AE"))


@pytest.mark.parametrize(
    ("name", "build", "labels", "classes"),
    [
        ("cifar10@elevater", made.cifar10, (9, 0), ["truck", "airplane"]),
        ("cifar100@elevater", made.cifar100, (1, 99), ["aquarium fish", "worm"]),
        ("mnist@elevater", made.mnist, (7,), ["7"]),
        ("flowers102@elevater", made.flowers102, (0, 101), ["pink primrose", "blackberry lily"]),
        ("country211@elevater", countries, (0, 1), ["Andorra", "United Arab Emirates"]),
        ("rendered_sst2@elevater", sst2, (0, 1), ["negative", "positive"]),
    ],
)
def test_torchvisions_training_split(
    name: str,
    build: made.Write,
    labels: tuple[int, ...],
    classes: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # the miniatures are no archives of the authors
    monkeypatch.setattr(utils, "check_md5", lambda *_, **__: True)
    build(tmp_path, labels)
    request = DataRequest(roots=(tmp_path,), cache=tmp_path / "cache", allow_subset=True)
    assert list(dict.fromkeys(shown(open_training(name, CATALOGUE, request=request).task.problem))) == classes
