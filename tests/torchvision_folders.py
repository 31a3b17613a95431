"""Miniatures of data sets in the layouts that torchvision leaves on disk.

Each function writes one under a root, with the labels given; images are plain colours, one for each label.
"""

import csv
import json
import pickle
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

Write = Callable[[Path, Sequence[int]], None]


def picture(path: Path, label: int, size: tuple[int, int] = (8, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (label * 37 % 256, label * 91 % 256, 60)).save(path)


def pixels(labels: Sequence[int], *shape: int) -> np.ndarray:
    """Images of any shape whose every value is the label."""
    return np.array(labels, dtype=np.uint8).reshape(-1, *(1 for _ in shape)) * np.ones(shape, dtype=np.uint8)


def text(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def _pickled(path: Path, record: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(record))


def cifar10(root: Path, labels: Sequence[int]) -> None:
    folder = root / "cifar-10-batches-py"
    for name in ("test_batch", *(f"data_batch_{n}" for n in range(1, 6))):
        _pickled(folder / name, {"data": pixels(labels, 3072), "labels": list(labels)})
    _pickled(folder / "batches.meta", {"label_names": [f"class {n}" for n in range(10)]})


def cifar100(root: Path, labels: Sequence[int]) -> None:
    folder = root / "cifar-100-python"
    for name in ("test", "train"):
        _pickled(folder / name, {"data": pixels(labels, 3072), "fine_labels": list(labels)})
    _pickled(folder / "meta", {"fine_label_names": [f"class {n}" for n in range(100)]})


def mnist(root: Path, labels: Sequence[int]) -> None:
    folder = root / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for part in ("train", "t10k"):
        count = len(labels)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(
            struct.pack(">IIII", 0x0803, count, 28, 28) + pixels(labels, 28, 28).tobytes()
        )
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x0801, count) + bytes(labels))


def stl10(root: Path, labels: Sequence[int]) -> None:
    folder = root / "stl10_binary"
    folder.mkdir(parents=True)
    for part in ("train", "test"):
        (folder / f"{part}_X.bin").write_bytes(pixels(labels, 3, 96, 96).tobytes())
        (folder / f"{part}_y.bin").write_bytes(bytes(label + 1 for label in labels))
    (folder / "unlabeled_X.bin").write_bytes(b"")
    text(folder / "class_names.txt", *(f"class {n}" for n in range(10)))


def svhn(root: Path, labels: Sequence[int]) -> None:
    from scipy.io import savemat

    root.mkdir(parents=True, exist_ok=True)
    numbers = np.array([label or 10 for label in labels])[:, None]
    savemat(root / "test_32x32.mat", {"X": pixels(labels, 32, 32, 3).transpose(1, 2, 3, 0), "y": numbers})


FOOD = ("apple_pie", "baby_back_ribs", "waffles")


def food101(root: Path, labels: Sequence[int]) -> None:
    names = [f"{FOOD[label]}/{n}" for n, label in enumerate(labels)]
    for name, label in zip(names, labels, strict=True):
        picture(root / "food-101" / "images" / f"{name}.jpg", label)
    by_class = {FOOD[label]: [n for n in names if n.startswith(FOOD[label])] for label in range(len(FOOD))}
    text(root / "food-101" / "meta" / "test.json", json.dumps(by_class))
    text(root / "food-101" / "meta" / "test.txt", *names)


TEXTURES = ("banded", "blotchy", "zigzagged")


def dtd(root: Path, labels: Sequence[int]) -> None:
    folder = root / "dtd" / "dtd"
    dtd_archive(folder, labels)


def dtd_archive(folder: Path, labels: Sequence[int]) -> None:
    """What the archive of DTD holds."""
    names = [f"{TEXTURES[label]}/{TEXTURES[label]}_{n}.jpg" for n, label in enumerate(labels)]
    for name, label in zip(names, labels, strict=True):
        picture(folder / "images" / name, label)
    text(folder / "labels" / "test1.txt", *names)


PETS = ("Abyssinian", "american_bulldog", "american_pit_bull_terrier")


def pets(root: Path, labels: Sequence[int]) -> None:
    pets_archives(root / "oxford-iiit-pet", labels)


def pets_archives(folder: Path, labels: Sequence[int]) -> None:
    """What the two archives of Oxford-IIIT Pets hold."""
    names = [f"{PETS[label]}_{n}" for n, label in enumerate(labels)]
    for name, label in zip(names, labels, strict=True):
        picture(folder / "images" / f"{name}.jpg", label)
    lines = (f"{name} {label + 1} 1 1" for name, label in zip(names, labels, strict=True))
    text(folder / "annotations" / "test.txt", *lines)


def flowers102(root: Path, labels: Sequence[int]) -> None:
    from scipy.io import savemat

    folder = root / "flowers-102"
    for n, label in enumerate(labels, start=1):
        picture(folder / "jpg" / f"image_{n:05d}.jpg", label)
    ids = np.arange(1, len(labels) + 1)
    savemat(folder / "setid.mat", {"trnid": ids, "valid": ids, "tstid": ids})
    savemat(folder / "imagelabels.mat", {"labels": np.array(labels) + 1})


def cars(root: Path, labels: Sequence[int]) -> None:
    from scipy.io import savemat

    folder = root / "stanford_cars"
    names = [f"{n:05d}.jpg" for n in range(1, len(labels) + 1)]
    for name, label in zip(names, labels, strict=True):
        picture(folder / "cars_test" / name, label)
    (folder / "devkit").mkdir()
    rows = [(label + 1, name) for label, name in zip(labels, names, strict=True)]
    annotations = np.array(rows, dtype=[("class", "O"), ("fname", "O")])
    savemat(folder / "cars_test_annos_withlabels.mat", {"annotations": annotations})
    kinds = np.array(["AM General Hummer SUV 2000", "Acura RL Sedan 2012"], dtype=object)
    savemat(folder / "devkit" / "cars_meta.mat", {"class_names": kinds})


AIRCRAFT = (Path(__file__).parents[1] / "tasks/names/fgvc_aircraft.tsv").read_text().splitlines()[1:]


def aircraft(root: Path, labels: Sequence[int]) -> None:
    folder = root / "fgvc-aircraft-2013b" / "data"
    names = [f"{n:07d}" for n in range(len(labels))]
    for name, label in zip(names, labels, strict=True):
        picture(folder / "images" / f"{name}.jpg", label)
    text(folder / "variants.txt", *AIRCRAFT)
    lines = (f"{name} {AIRCRAFT[label]}" for name, label in zip(names, labels, strict=True))
    text(folder / "images_variant_test.txt", *lines)


def in_folders(*parts: str, names: Sequence[str], suffix: str = ".jpg") -> Write:
    """A folder for each class, under some folders."""

    def write(root: Path, labels: Sequence[int]) -> None:
        for name in names:
            root.joinpath(*parts, name).mkdir(parents=True, exist_ok=True)
        for n, label in enumerate(labels, start=1):
            picture(root.joinpath(*parts, names[label], f"image_{n:04d}{suffix}"), label)

    return write


def gtsrb(root: Path, labels: Sequence[int]) -> None:
    folder = root / "gtsrb"
    for n, label in enumerate(labels):
        picture(folder / "GTSRB" / "Final_Test" / "Images" / f"{n:05d}.ppm", label)
    lines = (f"{n:05d}.ppm;{label}" for n, label in enumerate(labels))
    text(folder / "GT-final_test.csv", "Filename;ClassId", *lines)


def fer2013(root: Path, labels: Sequence[int]) -> None:
    (root / "fer2013").mkdir(parents=True)
    with (root / "fer2013" / "fer2013.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["emotion", "pixels", "Usage"])
        for label in labels:
            writer.writerow([label, " ".join([str(label)] * 48 * 48), "PublicTest"])


def sun397(root: Path, labels: Sequence[int]) -> None:
    kinds = ("/a/abbey", "/a/apartment_building/outdoor", "/z/zoo")
    text(root / "SUN397" / "ClassName.txt", *kinds)
    for n, label in enumerate(labels):
        picture(root / "SUN397" / kinds[label].lstrip("/") / f"sun_{n}.jpg", label)


def caltech101(root: Path, labels: Sequence[int]) -> None:
    names = ("BACKGROUND_Google", "Faces", "accordion")
    folder = root / "caltech101" / "101_ObjectCategories"
    for name in names:
        (folder / name).mkdir(parents=True)
    seen = dict.fromkeys(names, 0)
    for label in labels:
        name = names[1:][label]
        seen[name] += 1
        picture(folder / name / f"image_{seen[name]:04d}.jpg", label)


MINIATURES: dict[str, tuple[Write, dict[str, str | int | bool], Sequence[int]]] = {
    "CIFAR10": (cifar10, {"train": False}, (3, 9, 0)),
    "CIFAR100": (cifar100, {"train": False}, (99, 0, 4)),
    "Caltech101": (caltech101, {}, (0, 0, 1)),
    "Country211": (
        in_folders("country211", "test", names=("AD", "AE", "AF")),
        {"split": "test"},
        (0, 1, 2, 2),
    ),
    "DTD": (dtd, {"split": "test", "partition": 1}, (2, 0, 1)),
    "EuroSAT": (in_folders("eurosat", "2750", names=("AnnualCrop", "Forest")), {}, (0, 1, 1)),
    "FER2013": (fer2013, {"split": "test"}, (6, 0)),
    "FGVCAircraft": (aircraft, {"split": "test"}, (1, 0, 2)),
    "Flowers102": (flowers102, {"split": "test"}, (101, 0)),
    "Food101": (food101, {"split": "test"}, (0, 0, 1, 2)),
    "GTSRB": (gtsrb, {"split": "test"}, (42, 7)),
    "MNIST": (mnist, {"train": False}, (7, 2, 9)),
    "OxfordIIITPet": (pets, {"split": "test"}, (0, 2, 1)),
    "RenderedSST2": (
        in_folders("rendered-sst2", "test", names=("negative", "positive"), suffix=".png"),
        {"split": "test"},
        (0, 1),
    ),
    "STL10": (stl10, {"split": "test"}, (9, 0)),
    "SUN397": (sun397, {}, (0, 1, 2)),
    "SVHN": (svhn, {"split": "test"}, (0, 9, 5)),
    "StanfordCars": (cars, {"split": "test"}, (1, 0, 1)),
}
"""How a data set of torchvision is written, the options that open it, and labels in its order."""
