"""The layouts in which people have the data sets that are asked most, as miniatures under a data root."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torchvision_folders as made
from card_layouts import Build, labelled, rows

COLUMNS = ("torchvision", "authors' archive", "Kaggle", "hub, parquet", "hub, tars", "class folders")


@dataclass(frozen=True)
class Case:
    """What the page says lies under a data root, how it is made, and the classes of its images.

    `refused` is what the message says where it is not read.
    """

    lies: str
    build: Build
    classes: tuple[str, ...] = ()
    refused: str = ""

    @property
    def cell(self) -> str:
        return f"`{self.lies}`" + (" (refused)" if self.refused else "")


def of(dataset: str, labels: Sequence[int], under: str = ".") -> Build:
    return lambda root: made.MINIATURES[dataset][0](root / under, labels)


def folders(*names: str) -> Build:
    def build(root: Path) -> None:
        for n, name in enumerate(names):
            made.picture(root / name / f"{n}.png", n)

    return build


def parquet(path: str, image: str = "image", label: str = "label", labels: Sequence[int] = (1, 0)) -> Build:
    return lambda root: rows(root / path, image, **{label: list(labels)})


def flat(images: str, *files: tuple[str, str]) -> Build:
    """ImageNet's first images flat, with files of labels."""

    def build(root: Path) -> None:
        for n in (1, 2):
            made.picture(root / images / f"ILSVRC2012_val_{n:08}.JPEG", n)
        for name, said in files:
            made.text(root / name, said)

    return build


def files(*names: str) -> Build:
    """Files that are there and are not read."""

    def build(root: Path) -> None:
        for name in names:
            made.text(root / name, "x")

    return build


SPLIT = "names no test split; put the .*test images into .*/test/CLASS, fetch them"
CIFAR = ("automobile", "airplane")
TABLE: dict[str, tuple[Case | None, ...]] = {
    "imagenet": (
        Case(
            "imagenet/val/<wnid>/",
            folders("imagenet/val/n01440764", "imagenet/val/n01443537"),
            ("tench", "goldfish"),
        ),
        Case(
            "imagenet/val/ and imagenet/ILSVRC2012_devkit_t12/",
            flat(
                "imagenet/val",
                ("imagenet/ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt", "449\n490"),
            ),
            ("tench", "sea snake"),
        ),
        Case(
            "ILSVRC/Data/CLS-LOC/val/ and LOC_val_solution.csv",
            flat(
                "ILSVRC/Data/CLS-LOC/val",
                (
                    "LOC_val_solution.csv",
                    "ImageId,PredictionString\nILSVRC2012_val_00000002,n01440764 1 2 3 4 \n"
                    "ILSVRC2012_val_00000001,n01751748 1 2 3 4 n01751748 5 6 7 8 ",
                ),
            ),
            ("tench", "sea snake"),
        ),
        Case(
            "imagenet/data/validation-*.parquet",
            parquet("imagenet/data/validation-00000-of-00001.parquet"),
            ("goldfish", "tench"),
        ),
        Case("wds_imagenet1k/test/*.tar", labelled("wds_imagenet1k", 1, 0), ("goldfish", "tench")),
        Case("ILSVRC2012/val/<wnid>/", folders("ILSVRC2012/val/n01443537"), ("goldfish",)),
    ),
    "cifar10": (
        Case("cifar-10-batches-py/", of("CIFAR10", (1, 0)), CIFAR),
        Case("cifar10/cifar-10-batches-py/", of("CIFAR10", (1, 0), "cifar10"), CIFAR),
        Case(
            "cifar10/trainLabels.csv",
            files("cifar10/trainLabels.csv"),
            refused="cifar10/trainLabels.csv comes from Kaggle's competition, .*; fetch cifar-10-python",
        ),
        Case(
            "cifar10/plain_text/test-*.parquet",
            parquet("cifar10/plain_text/test-00000-of-00001.parquet", "img"),
            CIFAR,
        ),
        Case("wds_vtab-cifar10/test/*.tar", labelled("wds_vtab-cifar10", 1, 0), CIFAR),
        Case("cifar10/test/<class>/", folders("cifar10/test/airplane"), ("airplane",)),
    ),
    "cifar100": (
        Case("cifar-100-python/", of("CIFAR100", (1, 0)), ("aquarium_fish", "apple")),
        Case("cifar100/cifar-100-python/", of("CIFAR100", (1, 0), "cifar100"), ("aquarium_fish", "apple")),
        Case("cifar100/meta", files("cifar100/meta"), refused="move meta, test and train into cifar100/"),
        Case(
            "cifar100/cifar100/test-*.parquet",
            parquet("cifar100/cifar100/test-00000-of-00001.parquet", "img", "fine_label"),
            ("aquarium_fish", "apple"),
        ),
        Case("wds_vtab-cifar100/test/*.tar", labelled("wds_vtab-cifar100", 1), ("aquarium_fish",)),
        Case("cifar100/test/<class>/", folders("cifar100/test/aquarium_fish"), ("aquarium_fish",)),
    ),
    "mnist": (
        Case("MNIST/raw/", of("MNIST", (7, 0)), ("7", "0")),
        Case(
            "mnist/t10k-images-idx3-ubyte.gz",
            files("mnist/t10k-images-idx3-ubyte.gz"),
            refused="is packed; unpack it and t10k-labels-idx1-ubyte.gz into mnist/MNIST/raw",
        ),
        Case(
            "mnist/sample_submission.csv",
            files("mnist/sample_submission.csv"),
            refused="comes from Kaggle's competition, whose test images have no labels",
        ),
        Case("mnist/mnist/test-*.parquet", parquet("mnist/mnist/test-00000-of-00001.parquet"), ("1", "0")),
        Case("wds_mnist/test/*.tar", labelled("wds_mnist", 3), ("3",)),
        Case("mnist/test/<digit>/", folders("mnist/test/4"), ("4",)),
    ),
    "food101": (
        Case("food101/food-101/", of("Food101", (0, 1), "food101"), ("apple pie", "baby back ribs")),
        Case("food-101/", of("Food101", (0, 1)), ("apple pie", "baby back ribs")),
        Case(
            "food101/test/<class>/",
            folders("food101/test/apple_pie", "food101/test/waffles"),
            ("apple pie", "waffles"),
        ),
        Case(
            "food101/data/validation-*.parquet",
            parquet("food101/data/validation-00000-of-00001.parquet"),
            ("baby back ribs", "apple pie"),
        ),
        Case("wds_food101/test/*.tar", labelled("wds_food101", 0), ("apple pie",)),
        Case("food101/test/<class>/", folders("food101/test/waffles"), ("waffles",)),
    ),
    "oxford_pets": (
        Case(
            "oxford_pets/oxford-iiit-pet/",
            of("OxfordIIITPet", (0, 1), "oxford_pets"),
            ("Abyssinian", "American Bulldog"),
        ),
        Case(
            "oxford_pets/images/ and oxford_pets/annotations/",
            lambda root: made.pets_archives(root / "oxford_pets", (0, 1)),
            ("Abyssinian", "American Bulldog"),
        ),
        None,
        Case(
            "oxford_pets/data/test-*.parquet",
            parquet("oxford_pets/data/test-00000-of-00001.parquet"),
            ("American Bulldog", "Abyssinian"),
        ),
        Case("wds_vtab-pets/test/*.tar", labelled("wds_vtab-pets", 1), ("American Bulldog",)),
        None,
    ),
    "flowers102": (
        Case("flowers-102/", of("Flowers102", (0, 101)), ("pink primrose", "blackberry lily")),
        Case(
            "flowers102/imagelabels.mat",
            files("flowers102/imagelabels.mat"),
            refused="move jpg, imagelabels.mat and setid.mat into flowers102/flowers-102",
        ),
        None,
        Case(
            "flowers102/data/",
            files("flowers102/data/test-00000-of-00001.parquet"),
            refused=r"1,020 test images, which no paper uses; fetch the 6,149 \(`vlbench data get",
        ),
        Case("wds_vtab-flowers/test/*.tar", labelled("wds_vtab-flowers", 101), ("blackberry lily",)),
        None,
    ),
    "stanford_cars": (
        Case(
            "stanford_cars/cars_test/ and stanford_cars/devkit/",
            of("StanfordCars", (0, 1)),
            ("AM General Hummer SUV 2000", "Acura RL Sedan 2012"),
        ),
        Case(
            "stanford_cars/cars_test_annos_withlabels.mat",
            of("StanfordCars", (1, 0)),
            ("Acura RL Sedan 2012", "AM General Hummer SUV 2000"),
        ),
        Case(
            "stanford_cars/test/<class>/",
            folders("stanford_cars/test/Acura RL Sedan 2012"),
            ("Acura RL Sedan 2012",),
        ),
        Case(
            "stanford_cars/data/test-*.parquet",
            parquet("stanford_cars/data/test-00000-of-00001.parquet"),
            ("Acura RL Sedan 2012", "AM General Hummer SUV 2000"),
        ),
        Case("wds_cars/test/*.tar", labelled("wds_cars", 1), ("Acura RL Sedan 2012",)),
        Case(
            "stanford_cars/test/<class>/",
            folders("stanford_cars/test/Acura RL Sedan 2012"),
            ("Acura RL Sedan 2012",),
        ),
    ),
    "dtd": (
        Case("dtd/dtd/", of("DTD", (0, 1)), ("banded", "blotchy")),
        Case(
            "dtd/images/ and dtd/labels/",
            lambda root: made.dtd_archive(root / "dtd", (1, 0)),
            ("blotchy", "banded"),
        ),
        None,
        Case(
            "dtd/data/test-*.parquet",
            parquet("dtd/data/test-00000-of-00001.parquet"),
            ("blotchy", "banded"),
        ),
        Case("wds_vtab-dtd/test/*.tar", labelled("wds_vtab-dtd", 1), ("blotchy",)),
        None,
    ),
    "eurosat": (
        Case("eurosat/2750/", of("EuroSAT", (0, 1)), refused=SPLIT),
        Case("eurosat/2750/", folders("eurosat/2750/Forest"), refused=SPLIT),
        Case("eurosat/test/<class>/", folders("eurosat/test/SeaLake"), ("lake or sea",)),
        Case(
            "eurosat/data/test-*.parquet",
            parquet("eurosat/data/test-00000-of-00001.parquet"),
            ("forest", "annual crop land"),
        ),
        Case("wds_vtab-eurosat/test/*.tar", labelled("wds_vtab-eurosat", 1), ("forest",)),
        Case("eurosat/test/<class>/", folders("eurosat/test/Forest"), ("forest",)),
    ),
    "caltech101": (
        Case("caltech101/101_ObjectCategories/", of("Caltech101", (0, 1)), refused=SPLIT),
        Case(
            "caltech-101/101_ObjectCategories/",
            folders("caltech-101/101_ObjectCategories/accordion"),
            refused=SPLIT,
        ),
        None,
        Case(
            "caltech101/data/",
            files("caltech101/data/test-00000-of-00001.parquet"),
            refused=r"6,084 images with an order of classes of its own; fetch the 6,085 \(`vlbench data get",
        ),
        Case("wds_vtab-caltech101/test/*.tar", labelled("wds_vtab-caltech101", 0), ("accordion",)),
        Case("caltech101/test/<class>/", folders("caltech101/test/accordion"), ("accordion",)),
    ),
    "sun397": (
        Case("SUN397/", of("SUN397", (0,)), ("abbey",)),
        Case("sun397/SUN397/", of("SUN397", (0,), "sun397"), ("abbey",)),
        None,
        Case(
            "sun397/data/",
            files("sun397/data/test-00000-of-00001.parquet"),
            refused=r"asks all 108,754 images; fetch them \(`vlbench data get sun397`\)",
        ),
        Case("wds_sun397/test/*.tar", labelled("wds_sun397", 0), ("abbey",)),
        None,
    ),
    "fgvc_aircraft": (
        Case("fgvc-aircraft-2013b/data/", of("FGVCAircraft", (0, 0)), ("707-320", "707-320")),
        Case(
            "fgvc_aircraft/fgvc-aircraft-2013b/data/", of("FGVCAircraft", (0,), "fgvc_aircraft"), ("707-320",)
        ),
        None,
        Case(
            "fgvc_aircraft/data/test-*.parquet",
            parquet("fgvc_aircraft/data/test-00000-of-00001.parquet", label="variant"),
            ("727-200", "707-320"),
        ),
        Case("wds_fgvc_aircraft/test/*.tar", labelled("wds_fgvc_aircraft", 0), ("707-320",)),
        None,
    ),
}
"""For each task a case in the order of the columns; None where no such copy is known."""
