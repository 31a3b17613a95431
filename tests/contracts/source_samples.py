"""One miniature for every source that vlbench registers; a new source adds its own here."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from card_layouts import png, tars, voc
from torchvision_folders import picture, sun397, text

from vlbench.core.contracts import Dataset, Place
from vlbench.core.registry import SOURCES
from vlbench.datasets.readers.item_fields import ItemFields

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def opened(kind: str, root: Path, **options: object) -> Dataset:
    return SOURCES.get(kind)(Place(roots=(root,), cache=root / "cache"), path=".", **options)


def class_folders(root: Path) -> None:
    for label, name in enumerate(("cat", "dog")):
        picture(root / name / "1.png", label)


def rows(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [{"bytes": png(n), "path": ""} for n in range(5)]
    table = pa.table({"image": images, "label": ["cat", "dog", "cat", "dog", "cat"]})
    pq.write_table(table, path, row_group_size=2)


def aircraft_variants(root: Path) -> Dataset:
    picture(root / "images" / "0034309.jpg", 1)
    text(root / "variants.txt", "707-320")
    text(root / "images_variant_test.txt", "0034309 707-320")
    return opened("aircraft_variants", root)


def caption_files(root: Path) -> Dataset:
    picture(root / "image" / "0.png", 1)
    text(root / "caption" / "0.txt", "a dot")
    return opened("caption_files", root)


def caption_json(root: Path) -> Dataset:
    picture(root / "a.png", 1)
    text(root / "c.json", json.dumps([{"image": "a.png", "caption": "a dot"}]))
    return opened("caption_json", root, annotations="c.json")


def caption_lines(root: Path) -> Dataset:
    picture(root / "images" / "a.png", 1)
    text(root / "names.txt", "a.png")
    text(root / "de.txt", "ein Punkt")
    return opened("caption_lines", root, names="names.txt", captions="de.txt")


def caption_list(root: Path) -> Dataset:
    picture(root / "a.png", 1)
    text(root / "c.txt", "image,caption", "a.png,a dot")
    return opened("caption_list", root, annotations="c.txt")


def coco_tags(root: Path) -> Dataset:
    picture(root / "val2017" / "a.jpg", 1)
    record = {
        "images": [{"id": 3, "file_name": "a.jpg"}],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [{"image_id": 3, "category_id": 1, "iscrowd": 0}],
    }
    text(root / "annotations" / "instances_val2017.json", json.dumps(record))
    return opened("coco_tags", root, split="val2017")


def coop_split(root: Path) -> Dataset:
    picture(root / "a" / "1.png", 1)
    text(root / "split_zhou_Shapes.json", json.dumps({"test": [["a/1.png", 0, "a"]], "train": [], "val": []}))
    return opened("coop_split", root)


def crossmodal3600(root: Path) -> Dataset:
    picture(root / "images" / "k1.jpg", 1)
    text(root / "captions.jsonl", json.dumps({"image/key": "k1", "de": {"caption": ["Berg"]}}))
    return opened("crossmodal3600", root, language="de")


def digits(root: Path) -> Dataset:
    return SOURCES.get("digits")(Place(cache=root))


def folder(root: Path) -> Dataset:
    class_folders(root)
    return opened("folder", root)


def hub(root: Path) -> Dataset:
    """A copy that the source `hub` made of a data set before, of which nothing is asked of the network."""
    rows(root / "cache" / "hub" / f"org/pictures@{COMMIT}" / "test.parquet")
    return SOURCES.get("hub")(
        Place(cache=root / "cache"), repo="org/pictures", revision=COMMIT, layout="datasets"
    )


def ilsvrc_val(root: Path) -> Dataset:
    picture(root / "val" / "ILSVRC2012_val_00000001.JPEG", 1)
    text(root / "ILSVRC2012_validation_ground_truth.txt", "1")
    text(root / "ids.txt", "n01440764")
    return opened("ilsvrc_val", root, ids="ids.txt")


def image_list(root: Path) -> Dataset:
    picture(root / "cat" / "1.png", 1)
    text(root / "test.txt", "cat/1.png")
    return opened("image_list", root, list="test.txt")


def item_json(root: Path) -> Dataset:
    picture(root / "a.png", 1)
    box = {"x": 0, "y": 0, "w": 1, "h": 1}
    record = {"image": "a.png", "caption": "a dot", "foil": "a line", **box}
    text(root / "c.json", json.dumps([record, {**record, "w": 2}]))
    items = ItemFields(images=["image"], right=["caption"], wrong=["foil"], box=["x", "y", "w", "h"])
    return opened("item_json", root, annotations="c.json", items=items)


def jsonl(root: Path) -> Dataset:
    picture(root / "a.png", 1)
    text(root / "metadata.jsonl", json.dumps({"file_name": "a.png", "label": "cat"}))
    return opened("jsonl", root)


def mmvp_vlm(root: Path) -> Dataset:
    for number in (1, 2):
        picture(root / "MMVP_VLM_Images" / "Texts" / f"{number}.jpg", number)
    text(root / "Questions.csv", "Question ID,Type,Statement", "1,Texts,a one", "2,Texts,a two")
    return opened("mmvp_vlm", root)


def objectnet(root: Path) -> Dataset:
    picture(root / "objectnet-1.0" / "images" / "vase" / "1.png", 1)
    text(root / "folder_to_objectnet_label.json", json.dumps({"vase": "Vase"}))
    text(root / "objectnet_to_imagenet_1k.json", json.dumps({"Vase": "vase"}))
    return opened("objectnet", root)


def own(root: Path) -> Dataset:
    rows(root / "test.parquet")
    return SOURCES.get("own")(Place(), path=str(root))


def parquet(root: Path) -> Dataset:
    for shard in range(2):
        rows(root / f"test-0000{shard}-of-00002.parquet")
    return opened("parquet", root)


def shapes(root: Path) -> Dataset:
    return SOURCES.get("shapes")(Place(cache=root), question="label", split="test", count=5, seed=0)


def tag_annotations(root: Path) -> Dataset:
    picture(root / "imgs" / "test" / "a.jpg", 1)
    text(root / "annots.txt", "test/a,car")
    return opened("tag_annotations", root, annotations="annots.txt")


def torchvision(root: Path) -> Dataset:
    sun397(root, [0, 1])
    return opened("torchvision", root, dataset="SUN397")


def voc_objects(root: Path) -> Dataset:
    voc(root)
    return SOURCES.get("voc_objects")(Place(roots=(root,)), path="VOCdevkit/VOC2007")


def voc_tags(root: Path) -> Dataset:
    voc(root)
    return SOURCES.get("voc_tags")(Place(roots=(root,)), path="VOCdevkit/VOC2007")


def webdataset(root: Path) -> Dataset:
    tars(root, {"cls": b"0"}, {"cls": b"1"})
    return opened("webdataset", root)


def whatsup(root: Path) -> Dataset:
    picture(root / "mug_on_table.jpeg", 1)
    record = {"image_path": "mug_on_table.jpeg", "caption_options": ["on it", "under it"]}
    text(root / "c.json", json.dumps([record]))
    return opened("whatsup", root, annotations="c.json")


SAMPLES: dict[str, Callable[[Path], Dataset]] = {
    each.__name__: each
    for each in (
        aircraft_variants,
        caption_files,
        caption_json,
        caption_lines,
        caption_list,
        coco_tags,
        coop_split,
        crossmodal3600,
        digits,
        folder,
        hub,
        ilsvrc_val,
        image_list,
        item_json,
        jsonl,
        mmvp_vlm,
        objectnet,
        own,
        parquet,
        shapes,
        tag_annotations,
        torchvision,
        voc_objects,
        voc_tags,
        webdataset,
        whatsup,
    )
}
