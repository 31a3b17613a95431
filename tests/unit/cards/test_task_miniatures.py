"""The cards of classification read miniatures of the layouts that people have, without edits."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from vlbench.cards.build import open_task
from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.data_request import DataRequest
from vlbench.core.errors import DataError
from vlbench.core.task import Task

pytestmark = pytest.mark.cards

CATALOGUE = read_catalogue()
Write = Callable[..., None]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def write(root: Path) -> Write:
    """Write files under the data root: a text, or something that stands for an image."""

    def files(*names: str, **texts: str) -> None:
        for name, text in {**dict.fromkeys(names, "never opened"), **texts}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    return files


@pytest.fixture
def opened(root: Path) -> Callable[..., Task]:
    def build(name: str, **options: object) -> Task:
        request = DataRequest(roots=(root,), allow_subset=True, **options)  # type: ignore[arg-type]
        return open_task(name, CATALOGUE, request=request).task

    return build


def shown(found: Task) -> list[str]:
    """The name of each image's class, in the order of the images."""
    return [found.problem.texts[index].name for index in found.problem.relevant.queries]


FOLDERS = {
    "imagenet": ("imagenet/val/n01440764/a.JPEG", "imagenet/val/n15075141/b.JPEG", ["tench", "toilet paper"]),
    "imagenet@simple7": (
        "imagenet/val/n01440764/a.JPEG",
        "imagenet/val/n15075141/b.JPEG",
        ["tench", "toilet paper"],
    ),
    "imagenet@coop": (
        "imagenet/images/val/n01440764/a.JPEG",
        "imagenet/images/val/n01443537/b.JPEG",
        ["tench", "goldfish"],
    ),
    "imagenet-v2": (
        "imagenetv2/imagenetv2-matched-frequency-format-val/10/a.jpeg",
        "imagenetv2/imagenetv2-matched-frequency-format-val/2/b.jpeg",
        ["brambling", "great white shark"],
    ),
    "imagenet-v2@coop": (
        "imagenetv2-matched-frequency-format-val/10/a.jpeg",
        "imagenetv2-matched-frequency-format-val/2/b.jpeg",
        ["brambling", "great white shark"],
    ),
    "imagenet-sketch": ("sketch/n01440764/a.JPEG", "sketch/n01443537/b.JPEG", ["tench", "goldfish"]),
    "imagenet-sketch@coop": (
        "imagenet-sketch/images/n01440764/a.JPEG",
        "imagenet-sketch/images/n01443537/b.JPEG",
        ["tench", "goldfish"],
    ),
    "imagenet-a": ("imagenet-a/n01498041/a.jpg", "imagenet-a/n12267677/b.jpg", ["stingray", "acorn"]),
    "imagenet-a@coop": (
        "imagenet-adversarial/imagenet-a/n01498041/a.jpg",
        "imagenet-adversarial/imagenet-a/n12267677/b.jpg",
        ["stingray", "acorn"],
    ),
    "imagenet-r": (
        "imagenet-rendition/imagenet-r/n01443537/a.jpg",
        "imagenet-rendition/imagenet-r/n12267677/b.jpg",
        ["goldfish", "acorn"],
    ),
    "imagenet-o": (
        "imagenet-o/n01443537/a.JPEG",
        "imagenet-o/n13052670/b.JPEG",
        ["goldfish", "hen of the woods mushroom"],
    ),
    "let-it-wag": (
        "let-it-wag/A310/a.jpg",
        "let-it-wag/Acadian_Flycatcher/b.jpg",
        ["A310", "Acadian Flycatcher"],
    ),
    "fer2013": ("fer2013/test/neutral/a.jpg", "fer2013/test/sad/b.jpg", ["neutral", "sad"]),
    "fer2013@openai": (
        "fer2013/private_test/neutral/a.jpg",
        "fer2013/private_test/sad/b.jpg",
        ["neutral", "sad"],
    ),
    "cifar100": (
        "cifar100/test/apple/a.png",
        "cifar100/test/aquarium_fish/b.png",
        ["apple", "aquarium_fish"],
    ),
    "cifar100@openai": (
        "cifar100/test/apple/a.png",
        "cifar100/test/aquarium_fish/b.png",
        ["apple", "aquarium fish"],
    ),
    "eurosat@openai": (
        "eurosat_clip/test/AnnualCrop/a.jpg",
        "eurosat_clip/test/SeaLake/b.jpg",
        ["annual crop land", "lake or sea"],
    ),
    "resisc45@openai": (
        "resisc45_clip/test/airplane/a.jpg",
        "resisc45_clip/test/sea_ice/b.jpg",
        ["airplane", "sea ice"],
    ),
    "resisc45@elevater": (
        "resisc45_clip/test/airplane/a.jpg",
        "resisc45_clip/test/sea_ice/b.jpg",
        ["airplane", "sea ice"],
    ),
    "hateful_memes": ("hateful_memes/dev/0/a.png", "hateful_memes/dev/1/b.png", ["meme", "hatespeech meme"]),
}
"""Two images as they lie, and the names of their classes."""


@pytest.mark.parametrize("name", sorted(FOLDERS))
def test_class_folders(name: str, write: Write, opened: Callable[..., Task]) -> None:
    first, second, names = FOLDERS[name]
    write(first, second)
    found = opened(name)
    assert shown(found) == names
    assert "2 images where the card says" in found.partial


LISTS = {
    "dtd": (
        "dtd/labels/test1.txt",
        "zigzagged/z_1.jpg\nbanded/b_1.jpg\n",
        "dtd/images/{}",
        ["banded", "zigzagged"],
    ),
    "dtd@elevater": (
        "dtd/labels/test1.txt",
        "zigzagged/z_1.jpg\nbanded/b_1.jpg\n",
        "dtd/images/{}",
        ["banded", "zigzagged"],
    ),
    "food101": (
        "food-101/meta/test.txt",
        "apple_pie/1\nbeef_tartare/2\n",
        "food-101/images/{}.jpg",
        ["apple pie", "beef tartare"],
    ),
    "food101@elevater": (
        "food-101/meta/test.txt",
        "apple_pie/1\nbeef_tartare/2\n",
        "food-101/images/{}.jpg",
        ["apple pie", "beef tartare"],
    ),
    "oxford_pets": (
        "oxford-iiit-pet/annotations/test.txt",
        "Abyssinian_201 1 1 1\namerican_bulldog_203 2 2 1\n",
        "oxford-iiit-pet/images/{}.jpg",
        ["Abyssinian", "American Bulldog"],
    ),
    "oxford_pets@openai": (
        "oxford_pets/annotations/test.txt",
        "Abyssinian_201 1 1 1\namerican_bulldog_203 2 2 1\n",
        "oxford_pets/images/{}.jpg",
        ["Abyssinian", "american bulldog"],
    ),
}
"""A list of the test split, its lines, where their images lie, and the names of their classes."""


@pytest.mark.parametrize("name", sorted(LISTS))
def test_lists_of_a_split(name: str, write: Write, opened: Callable[..., Task]) -> None:
    file, lines, image, names = LISTS[name]
    write(*(image.format(line.split()[0]) for line in lines.splitlines()), **{file: lines})
    assert sorted(shown(opened(name)), key=str.lower) == names


TARS = {
    "cifar100": ("wds_vtab-cifar100", {21: "chimpanzee", 1: "aquarium_fish"}),
    "cifar100@elevater": ("wds_vtab-cifar100_test", {21: "chimpanzee", 1: "aquarium fish"}),
    "caltech101@elevater": ("wds_vtab-caltech101", {0: "accordion", 101: "yin and yang symbol"}),
    "stanford_cars@elevater": (
        "wds_cars",
        {0: "AM General Hummer SUV 2000", 195: "smart fortwo Convertible 2012"},
    ),
    "oxford_pets@elevater": ("wds_vtab-pets", {0: "Abyssinian", 1: "american bulldog"}),
    "clevr_closest_object_distance": ("wds_vtab-clevr_closest_object_distance", {3: "", 4: "distant"}),
    "clevr_count_all@openai": ("wds_vtab-clevr_count_all", {0: "3", 7: "10"}),
    "objectnet": ("wds_objectnet", {0: "air freshener", 1: "alarm clock"}),
    "iwildcam": ("wds_wilds-iwildcam_test", {0: "air freshener", 1: "alarm clock"}),
}
"""A folder of tars and the names of its numbers; the data's own names are those of `classnames.txt`."""


@pytest.mark.parametrize("name", sorted(TARS))
def test_tars_in_the_layout_of_clip_benchmark(
    name: str, root: Path, write: Write, opened: Callable[..., Task]
) -> None:
    folder, expected = TARS[name]
    write(
        **{
            f"{folder}/classnames.txt": "air freshener\nalarm clock\n",
            f"{folder}/zeroshot_classification_templates.txt": "a photo of {c}\n",
            f"{folder}/test/nshards.txt": "1\n",
        }
    )
    with tarfile.open(root / folder / "test" / "0.tar", "w") as archive:
        for number in expected:
            for suffix, data in ((".jpg", b"never opened"), (".cls", str(number).encode())):
                member = tarfile.TarInfo(f"{number:04d}{suffix}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    found = opened(name)
    assert shown(found) == list(expected.values())
    assert "2 images where the card says" in found.partial


def test_translated_names_come_from_the_users_files(
    root: Path, write: Write, opened: Callable[..., Task]
) -> None:
    write("imagenet/val/n01440764/a.JPEG", "imagenet/val/n01443537/b.JPEG")
    with pytest.raises(DataError, match=r"imagenet@it: no file .*it_classnames.json; put it there") as error:
        opened("imagenet@it")
    assert "\n" not in str(error.value)
    names = [f"nome {number // 2}" for number in range(1000)]  # names repeat, as the published ones do
    prompts = ["una brutta foto di {c}", "una scultura di {c}"]
    write(
        **{
            "clip_benchmark/datasets/it_classnames.json": json.dumps({"imagenet1k": names}),
            "clip_benchmark/datasets/it_zeroshot_classification_templates.json": json.dumps(
                {"imagenet1k": prompts}
            ),
        }
    )
    found = opened("imagenet@it")
    assert found.problem.relevant.queries.tolist() == [0, 1]
    assert found.problem.texts[1].prompts == ("una brutta foto di nome 0", "una scultura di nome 0")
    write(**{"clip_benchmark/datasets/it_classnames.json": json.dumps({"imagenet1k": names[:-1]})})
    with pytest.raises(DataError, match="999 names for the 1000 lines"):
        opened("imagenet@it")


def test_a_half_of_numbered_classes_counts_from_its_own_first(
    write: Write, opened: Callable[..., Task]
) -> None:
    lines = "a_1 1 1 1\nb_1 13 1 1\nc_1 37 1 1\n"
    write(
        *(f"oxford_pets/images/{name}_1.jpg" for name in "abc"), **{"oxford_pets/annotations/test.txt": lines}
    )
    base, new = (opened(f"oxford_pets@openai@{half}") for half in ("base", "new"))
    assert shown(base) == ["Abyssinian", "english cocker spaniel"]
    assert shown(new) == ["yorkshire terrier"]
