"""Images that a table, Karpathy's captions or a flat ImageNet lists: good ones, to be damaged."""

import io
import json
import tarfile
from pathlib import Path

from torchvision_folders import picture, text


def karpathy(root: Path) -> None:
    images = [
        {
            "filename": f"{n}.jpg",
            "filepath": "val",
            "split": "test",
            "sentences": [{"raw": f"a {n}"}, {"raw": "b"}],
        }
        for n in range(2)
    ]
    for n in range(2):
        picture(root / "val" / f"{n}.jpg", n)
    text(root / "dataset.json", json.dumps({"images": images, "dataset": "coco"}))


def table(root: Path) -> None:
    rows_of = []
    for number, label in enumerate(("red circle", "blue", "a_b")):
        picture(root / "images" / f"{number}.png", number)
        rows_of += [
            f"images/{number}.png,{label},g,a picture of it",
            f"images/{number}.png,{label},g,one more",
        ]
    text(root / "metadata.csv", "file_name,label,group,text", *rows_of)


def own_karpathy(root: Path) -> None:
    karpathy(root)
    (root / "dataset.json").rename(root / "dataset_own.json")


def flat_imagenet(root: Path) -> None:
    for number in (1, 2):
        picture(root / "val" / f"ILSVRC2012_val_{number:08}.JPEG", number)
    text(root / "ids.txt", "n01440764", "n01443537")
    kit = "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt"
    with tarfile.open(root / "ILSVRC2012_devkit_t12.tar.gz", "w:gz") as tar:
        member = tarfile.TarInfo(kit)
        member.size = len(said := b"2\n1\n")
        tar.addfile(member, io.BytesIO(said))


def kaggle_imagenet(root: Path) -> None:
    flat_imagenet(root)
    (root / "ILSVRC2012_devkit_t12.tar.gz").unlink()
    boxes = (f"ILSVRC2012_val_0000000{number},n0144{number}764 1 2 3 4 " for number in (1, 2))
    text(root / "LOC_val_solution.csv", "ImageId,PredictionString", *boxes)
