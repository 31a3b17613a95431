"""Images and what is said of them: folders without a card, and the published layouts by a card."""

import gzip
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from card_layouts import rows, tars
from contracts.source_samples import SAMPLES
from fuzz.command import command_line
from fuzz.harness import OUT, Case, Input
from fuzz.inputs.listed_corpora import flat_imagenet, kaggle_imagenet, karpathy, own_karpathy, table
from torchvision_folders import MINIATURES, picture, text

from vlbench.core.contracts import Place
from vlbench.core.dataset import as_dataset
from vlbench.core.registry import SOURCES
from vlbench.engine.executors.loader import naming

RUNS = 0.12
"""How often a model answers; else the data are read, counted and a sample of the images opened."""
CARD = """\
title: made
kind: {kind}
protocol: made
sources:
  - {source}
metrics: [{metric}]
primary: {metric}
"""
METRICS = {
    "classification": "acc1",
    "retrieval": "text_retrieval_recall@1",
    "tagging": "mean_average_precision",
    "matching": "text_score",
}


def asked(case: Case, task: str, *more: object) -> None:
    """Read the data of a task as a user does, and now and then run a model on them."""
    if case.rng.random() < RUNS:
        places = ("--results", case / OUT / "results", "--cache", case.cache, "--device", "cpu")
        command_line("run", "-m", "tiny-clip", "-t", task, *places, *more)
    else:
        command_line("data", "check", task, *more)


def own_door(kinds: tuple[str, ...], case: Case) -> None:
    """Ask a folder without a card."""
    asked(case, f"{case.rng.choice(kinds)}:{case / 'data'}")


def card_door(case: Case) -> None:
    """Ask the task whose card lies beside."""
    asked(case, "made", "--include-path", case / "cards", "--data-root", case / "data")


def own(
    name: str, corpus: Callable[[Path], None], targets: tuple[str, ...], *kinds: str, share: int = 10
) -> Input:
    """A folder without a card."""
    return Input(
        name, lambda root: corpus(root / "data"), targets, partial(own_door, kinds), share, rename=True
    )


def metadata(root: Path) -> None:
    lines = []
    for number, label in enumerate(("red circle", "blue", "a_b", "red circle")):
        picture(root / "images" / f"{number}.png", number)
        captions = [f"a picture of {label}", f"number {number}"]
        record = {"file_name": f"images/{number}.png", "label": label, "group": "g", "captions": captions}
        lines.append(json.dumps({**record, "tags": [label, "thing"], "unknown_tags": ["x"]}))
    text(root / "metadata.jsonl", *lines)
    text(root / "names.txt", "red circle", "blue", "a b", "thing", "x")
    text(root / "templates.txt", "a {}.", "the photo of {}")


def class_folders(root: Path) -> None:
    for label, name in enumerate(("cat", "dog_house", "n01440764")):
        for number in range(2):
            picture(root / name / f"{number}.png", label)
    text(root / "names.txt", "cat", "dog house", "tench\tn01440764")
    text(root / "templates.txt", "a {}.")


def webdataset(root: Path) -> None:
    tars(root, {"cls": b"0", "txt": b"a cat"}, {"cls": b"1", "txt": b"a dog"})
    text(root / "classnames.txt", "cat", "dog")
    text(root / "zeroshot_classification_templates.txt", "a {c}.")


def parquet(root: Path) -> None:
    rows(root / "test.parquet", "image", label=["cat", "dog"], captions=[["a", "b"], ["c"]])
    text(root / "names.txt", "cat", "dog")


def indexed_parquet(root: Path) -> None:
    rows(root / "test-00000-of-00001.parquet", "image", label=[0, 1], tags=[["a"], ["b", "c"]])


def coco_tags(root: Path) -> None:
    for name in "ab":
        picture(root / "val2017" / f"{name}.jpg", 1)
    record = {
        "images": [{"id": 3, "file_name": "a.jpg"}, {"id": 5, "file_name": "b.jpg"}],
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "bicycle"}],
        "annotations": [
            {"image_id": 3, "category_id": 1, "iscrowd": 0},
            {"image_id": 5, "category_id": 2, "iscrowd": 1},
        ],
    }
    text(root / "annotations" / "instances_val2017.json", json.dumps(record))


def coco_captions(root: Path) -> None:
    picture(root / "val2014" / "a.jpg", 1)
    record = {
        "images": [{"id": 3, "file_name": "a.jpg"}],
        "annotations": [{"image_id": 3, "caption": "a dot"}, {"image_id": 3, "caption": "one"}],
    }
    text(root / "captions.json", json.dumps(record))


def blip(root: Path) -> None:
    for n in range(2):
        picture(root / "val" / f"{n}.jpg", n)
    text(
        root / "c.json", json.dumps([{"image": f"val/{n}.jpg", "caption": ["a", f"b {n}"]} for n in range(2)])
    )


def compressed_tags(root: Path) -> None:
    picture(root / "imgs" / "a.jpg", 1)
    picture(root / "imgs" / "b.jpg", 2)
    (root / "annots.txt.gz").write_bytes(gzip.compress(b"a.jpg,car,bus\nb.jpg,car\n", mtime=0))


def open_images(root: Path) -> None:
    picture(root / "imgs" / "a.jpg", 1)
    lines = ("ImageID,Source,LabelName,Confidence", "a,verification,/m/01,1", "a,verification,/m/02,0")
    text(root / "annots.csv", *lines)
    text(root / "names.txt", "car\t/m/01", "bus\t/m/02")


def aircraft_variants(root: Path) -> None:
    for name in ("0034309", "0034310"):
        picture(root / "images" / f"{name}.jpg", 1)
    text(root / "variants.txt", "707-320", "A300B4")
    text(root / "images_variant_test.txt", "0034309 707-320", "0034310 A300B4")


def coop_split(root: Path) -> None:
    test = [["a/1.png", 0, "a"], ["b/1.png", 1, "b"]]
    for name, label, _ in test:
        picture(root / str(name), int(str(label)))
    text(root / "split_zhou_Shapes.json", json.dumps({"test": test, "train": test, "val": []}))


def image_list(root: Path) -> None:
    for label, name in enumerate(("cat", "dog")):
        picture(root / name / "1.png", label)
    text(root / "test.txt", "cat/1.png", "dog/1.png")


def objectnet(root: Path) -> None:
    for label, name in enumerate(("vase", "chair")):
        picture(root / "objectnet-1.0" / "images" / name / "1.png", label)
    text(root / "folder_to_objectnet_label.json", json.dumps({"vase": "Vase", "chair": "Chair"}))
    text(root / "objectnet_to_imagenet_1k.json", json.dumps({"Vase": "vase", "Chair": "chair; seat"}))


def sample(kind: str, root: Path) -> None:
    """The miniature of a source that its laws are held on; opened once, to see that it is good."""
    SAMPLES[kind](root)


IMAGES = "data/**/*.png", "data/**/*.jpg"
ITEMS = "{images: [image], right: [caption], wrong: [foil], box: [x, y, w, h]}"
LAYOUTS: Mapping[str, tuple[Callable[[Path], object], str, str, tuple[str, ...]]] = {
    "coco_tags": (coco_tags, "kind: coco_tags, split: val2017", "tagging", ("*.json",)),
    "karpathy": (
        karpathy,
        "kind: caption_json, annotations: dataset.json, split: test",
        "retrieval",
        ("*.json",),
    ),
    "coco captions": (
        coco_captions,
        "kind: caption_json, annotations: captions.json, images: [val2014]",
        "retrieval",
        ("*.json",),
    ),
    "blip": (blip, "kind: caption_json, annotations: c.json", "retrieval", ("*.json",)),
    "tag annotations, gz": (
        compressed_tags,
        "kind: tag_annotations, annotations: annots.txt.gz",
        "tagging",
        ("*.gz",),
    ),
    "open images": (
        open_images,
        "kind: tag_annotations, annotations: annots.csv, form: open images",
        "tagging",
        ("*.csv", "*names.txt"),
    ),
    "aircraft_variants": (aircraft_variants, "kind: aircraft_variants", "classification", ("*.txt",)),
    "coop_split": (coop_split, "kind: coop_split", "classification", ("*.json",)),
    "ilsvrc_val": (flat_imagenet, "kind: ilsvrc_val, ids: ids.txt", "classification", ("*.gz", "ids.txt")),
    "ilsvrc_val, Kaggle": (kaggle_imagenet, "kind: ilsvrc_val, ids: ids.txt", "classification", ("*.csv",)),
    "image_list": (image_list, "kind: image_list, list: test.txt", "classification", ("*.txt",)),
    "objectnet": (objectnet, "kind: objectnet", "classification", ("*.json",)),
    **{
        kind: (partial(sample, kind), f"kind: {kind}{options}", asks, targets)
        for kind, options, asks, targets in (
            ("caption_files", "", "retrieval", ("*.txt",)),
            ("caption_lines", ", names: names.txt, captions: de.txt", "retrieval", ("*.txt",)),
            ("caption_list", ", annotations: c.txt", "retrieval", ("*.txt",)),
            ("crossmodal3600", ", language: de", "retrieval", ("*.jsonl",)),
            ("item_json", f", annotations: c.json, items: {ITEMS}", "matching", ("*.json",)),
            ("mmvp_vlm", "", "matching", ("*.csv",)),
            ("tag_annotations", ", annotations: annots.txt", "tagging", ("*.txt",)),
            ("voc_objects", "", "classification", ("*.txt", "*.xml")),
            ("voc_tags", "", "tagging", ("*.txt", "*.xml")),
            ("whatsup", ", annotations: c.json", "matching", ("*.json",)),
        )
    },
}
VOC = ("voc_objects", "voc_tags")


def with_card(build: Callable[[Path], object], source: str, kind: str, path: str, root: Path) -> None:
    """Write a data set and the card of a task that reads it."""
    build(root / "data")
    card = CARD.format(kind=kind, source=f"{{{source}, path: {path}}}", metric=METRICS[kind])
    (root / "cards").mkdir()
    (root / "cards" / "made.yaml").write_text(card)


def layout(name: str) -> Input:
    """A published layout, asked by a card."""
    build, source, kind, targets = LAYOUTS[name]
    path = "VOCdevkit/VOC2007" if name in VOC else "."
    corpus = partial(with_card, build, source, kind, path)
    return Input(name, corpus, tuple(f"data/{each}" for each in targets), card_door, share=12)


UNCHECKED = ("DTD", "FGVCAircraft", "Food101", "GTSRB", "MNIST", "OxfordIIITPet", "StanfordCars", "SUN397")
"""Data sets of torchvision whose files it holds against no digest before it reads them."""


def torchvision_door(dataset: str, case: Case) -> None:
    """Open a data set as a card does, and all of its images as a run does."""
    _, options, _ = MINIATURES[dataset]
    place = Place(roots=(case / "data",), cache=case.cache)
    found = as_dataset(SOURCES.get("torchvision")(place, path=".", dataset=dataset, options=dict(options)))
    for example in found.examples:
        with naming(example, found.name):
            example.image().convert("RGB")


def of_torchvision(dataset: str) -> Input:
    """A data set in the layout that torchvision leaves on disk."""
    write, _, labels = MINIATURES[dataset]
    door = partial(torchvision_door, dataset)
    return Input(
        f"torchvision {dataset}", lambda root: write(root / "data", labels), ("data/*",), door, share=5
    )


BESIDE = ("data/*.txt",)
KINDS = ("classification", "retrieval", "tagging")
INPUTS = [
    own("metadata.jsonl", metadata, ("data/*.jsonl",), *KINDS, share=25),
    own("metadata.csv", table, ("data/*.csv",), *KINDS),
    own("Karpathy's captions", own_karpathy, ("data/*.json",), "retrieval"),
    own("names and templates beside", metadata, BESIDE, *KINDS),
    own("class folders", class_folders, ("data/*",), "classification"),
    own("webdataset", webdataset, ("data/*.tar",), "classification", "retrieval", share=25),
    own("parquet", parquet, ("data/*.parquet",), "classification", "retrieval", share=10),
    own("parquet of indices", indexed_parquet, ("data/*.parquet",), "tagging", "classification", share=5),
    *map(layout, LAYOUTS),
    *map(of_torchvision, UNCHECKED),
]
