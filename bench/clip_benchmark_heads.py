"""The heads that clip-benchmark builds, in a process of its own environment; run by zero_shot_heads.py.

    PEER_VENV/bin/python bench/clip_benchmark_heads.py MODEL_FOLDER QUESTIONS.json HEADS.npz

Its own builder makes each data set, without data: torchvision's classes and the packages behind VTAB are
stand-ins. What the builder takes from its own lists is real; names that it would take from the data are
those of QUESTIONS.json ({data set: names}). HEADS.npz holds a head [m, d] for each data set and, under
`names from the data`, whose names those are.
"""

import importlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import open_clip
import torch

DATA_PACKAGES = (
    "requests", "tensorflow", "tensorflow_datasets", "task_adaptation", "task_adaptation.data",
    "task_adaptation.registry", "task_adaptation.data.base",
    *(f"task_adaptation.data.{name}" for name in (
        "caltech", "cifar", "clevr", "diabetic_retinopathy", "dmlab", "dsprites", "dtd", "eurosat",
        "oxford_flowers102", "oxford_iiit_pet", "patch_camelyon", "resisc45", "smallnorb", "svhn",
    )),
    "task_adaptation.data.kitti", "clip_benchmark.datasets.kitti",
)  # fmt: skip
STANDS_FOR_DATA = "names from the data"


def main() -> None:
    """Write the heads."""
    folder, questions, heads = (Path(argument) for argument in sys.argv[1:])
    names = json.loads(questions.read_text(encoding="utf-8"))
    builder = builder_without_data()
    classifier = importlib.import_module("clip_benchmark.metrics.zeroshot_classification")
    model = open_clip.create_model(f"local-dir:{folder}").eval()
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    found: dict[str, Any] = {}
    from_data = []
    done: dict[str, Any] = {}
    for name, own in names.items():
        with tempfile.TemporaryDirectory() as root:
            data = builder.build_dataset(name, root=root, download=False)
        classes = data.classes
        if not isinstance(classes, list) or not classes:
            from_data.append(name)
            classes = own
        key = json.dumps([classes, data.templates])
        if key not in done:
            head = classifier.zero_shot_classifier(
                model, tokenizer, classes, data.templates, "cpu", amp=False
            )
            done[key] = head.T.numpy()
        found[name] = done[key]
    found[STANDS_FOR_DATA] = np.array(from_data)
    np.savez(heads, **found)


def builder_without_data() -> Any:
    """clip-benchmark's builder, its sources of images replaced."""
    for package in DATA_PACKAGES:
        sys.modules[package] = MagicMock()
    builder = importlib.import_module("clip_benchmark.datasets.builder")
    datasets = importlib.import_module("torchvision.datasets")
    for name in dir(builder):
        real = getattr(datasets, name, None)
        if isinstance(real, type):
            setattr(builder, name, stand_in(list(getattr(real, "classes", ())) or None))
    for module, name in (
        ("caltech101", "Caltech101"),
        ("imagenetv2", "ImageNetV2Dataset"),
        ("objectnet", "ObjectNetDataset"),
    ):
        setattr(getattr(builder, module), name, stand_in(None))
    categories = builder.voc2007.object_categories
    builder.voc2007.PASCALVoc2007Cropped = stand_in(list(categories))
    return builder


def stand_in(classes: list[str] | None) -> Any:
    """A data set of one image of label 0, with the names that its class itself states, if any."""

    class NoData:
        def __init__(self, *_: object, **__: object) -> None:
            self.classes = classes if classes is not None else ()
            self.target_transform = None

        def __len__(self) -> int:
            return 1

        def __getitem__(self, index: int) -> tuple[None, int]:
            return None, 0

    return NoData


if __name__ == "__main__":
    with torch.no_grad():
        main()
