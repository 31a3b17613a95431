"""Miniatures of the sets of the collection `compositional` as they are published, and what is read."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from card_layouts import png


@dataclass(frozen=True)
class Read:
    """An item as it has to be read: ids of its images, its texts, which belong together, its labels."""

    images: tuple[str, ...]
    texts: tuple[str, ...]
    right: tuple[tuple[int, int], ...]
    labels: Mapping[str, str] = field(default_factory=dict)


Build = Callable[[Path], list[Read]]


def pictures(folder: Path, *names: str) -> None:
    for seed, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(seed + 1))


def write(path: Path, record: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record), encoding="utf-8")


def table(path: Path, images: Sequence[str], **columns: list[object]) -> None:
    """Rows with columns of images, which no two rows share."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = len(next(iter(columns.values())))
    made = {
        name: [{"bytes": png(10 * place + row), "path": None} for row in range(count)]
        for place, name in enumerate(images)
    }
    pq.write_table(pa.table({**made, **columns}), path)


ONE = ((0, 0),)
BOTH = ((0, 0), (1, 1))
COCO = ("000000085329.jpg", "000000002149.jpg")


def sugarcrepe(part: str, root: Path) -> list[Read]:
    """The keys are not contiguous, and an image has several captions."""
    rows = [
        (COCO[0], "A man in a boat.", "A boat in a man."),
        (COCO[1], "A red cup.", "A blue cup."),
        (COCO[0], "Two dogs.", "Two cats."),
    ]
    record = {
        str(2 * key): {"filename": image, "caption": right, "negative_caption": wrong}
        for key, (image, right, wrong) in enumerate(rows)
    }
    write(root / "sugar-crepe" / "data" / f"{part}.json", record)
    pictures(root / "coco" / "val2017", *COCO)
    return [Read((f"coco/val2017/{image}",), (right, wrong), ONE) for image, right, wrong in rows]


def sugarcrepe_pp(part: str, root: Path) -> list[Read]:
    texts = ("A cat on a mat.", "On a mat sits a cat.", "A mat on a cat.")
    names = ("caption", "caption2", "negative_caption")
    record = [{"id": 7, "filename": COCO[0], **dict(zip(names, texts, strict=True))}]
    write(root / "sugarcrepe_pp" / "data" / f"{part}.json", record)
    pictures(root / "val2017", COCO[0])
    return [Read((f"val2017/{COCO[0]}",), texts, ((0, 0), (0, 1)))]


def winoground(root: Path) -> list[Read]:
    lines = [
        {
            "id": key,
            "image_0": f"ex_{key}_img_0",
            "image_1": f"ex_{key}_img_1",
            "caption_0": "an old person kisses a young person",
            "caption_1": "a young person kisses an old person",
            "tag": "Adjective-Age",
            "secondary_tag": "",
            "num_main_preds": 1,
            "collapsed_tag": "Object",
        }
        for key in range(2)
    ]
    path = root / "winoground" / "data" / "examples.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    names = (f"ex_{key}_img_{k}.png" for key in range(2) for k in (0, 1))
    pictures(root / "winoground" / "data" / "images", *names)
    return [
        Read(
            tuple(f"data/images/ex_{key}_img_{k}.png" for k in (0, 1)),
            (str(lines[0]["caption_0"]), str(lines[0]["caption_1"])),
            BOTH,
            {"tag": "Object"},
        )
        for key in range(2)
    ]


def winoground_parquet(root: Path) -> list[Read]:
    table(
        root / "winoground" / "test-00000-of-00001.parquet",
        ["image_0", "image_1"],
        id=[0],
        caption_0=["some plants surrounding a lightbulb"],
        caption_1=["a lightbulb surrounding some plants"],
        collapsed_tag=["Relation"],
    )
    texts = ("some plants surrounding a lightbulb", "a lightbulb surrounding some plants")
    file = "test-00000-of-00001.parquet"
    return [Read((f"{file}/0/image_0", f"{file}/0/image_1"), texts, BOTH, {"tag": "Relation"})]


def colorswap(root: Path) -> list[Read]:
    table(
        root / "colorswap" / "data" / "test-00000-of-00001.parquet",
        ["image_1", "image_2"],
        id=[1, 2],
        caption_1=["a red car and a blue bus", "a green hat"],
        caption_2=["a blue car and a red bus", "a hat of green"],
        image_source=["midjourney", "dalle"],
        caption_source=["human", "human"],
    )
    file = "data/test-00000-of-00001.parquet"
    texts = [("a red car and a blue bus", "a blue car and a red bus"), ("a green hat", "a hat of green")]
    return [Read((f"{file}/{row}/image_1", f"{file}/{row}/image_2"), texts[row], BOTH) for row in range(2)]


def bivlc(root: Path) -> list[Read]:
    table(
        root / "BiVLC" / "data" / "test-00000-of-00001.parquet",
        ["image", "negative_image"],
        caption=["a dog"],
        negative_caption=["a cat"],
        type=["replace"],
        subtype=["object"],
    )
    file = "data/test-00000-of-00001.parquet/0"
    labels = {"type": "replace", "subtype": "object"}
    return [Read((f"{file}/image", f"{file}/negative_image"), ("a dog", "a cat"), BOTH, labels)]


def cola(root: Path) -> list[Read]:
    address = "https://cs-people.bu.edu/array/data/vg_gqa_images"
    texts = ("a large white dish with brown food", "a large brown dish with white food")
    record = [[f"{address}/2414605.jpg", texts[0], f"{address}/2414606.jpg", texts[1]]]
    write(root / "COLA" / "data" / "COLA_multiobjects_matching_benchmark.json", record)
    pictures(root / "visual_genome" / "VG_100K", "2414605.jpg", "2414606.jpg")
    folder = "visual_genome/VG_100K"
    return [Read((f"{folder}/2414605.jpg", f"{folder}/2414606.jpg"), texts, BOTH)]


def mmvp(folder: str, root: Path) -> list[Read]:
    """The last pattern's folder bears another name than the pattern, and the pattern is told by the order."""
    path = root / "MMVP_VLM" / "Questions.csv"
    path.parent.mkdir(parents=True)
    kinds = ["Orientation and Direction"] * 15 + ["Camera Perspective"]
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Question ID", "Type", "Statement"])
        for pair, kind in enumerate(kinds):
            rows.writerow([2 * pair + 1, kind, f"a dog, left {pair}"])
            rows.writerow([2 * pair + 2, kind, f"a dog, right {pair}"])
    names = [tuple(f"{folder}/{kind}/{2 * pair + k}.jpg" for k in (1, 2)) for pair, kind in enumerate(kinds)]
    pictures(root / "MMVP_VLM", *(name for pair in names for name in pair))
    patterns = ["Orientation and Direction"] * 15 + ["Presence of Specific Features"]
    return [
        Read(names[pair], (f"a dog, left {pair}", f"a dog, right {pair}"), BOTH, {"class": pattern})
        for pair, pattern in enumerate(patterns)
    ]


def aro_vg(file: str, more: Mapping[str, object], label: str, root: Path) -> list[Read]:
    """Two boxes of one image are two images."""
    boxes = [(1, 2, 4, 3), (0, 0, 8, 8)]
    record = [
        {
            "image_id": "2325591",
            "image_path": "2325591.jpg",
            "bbox_x": x,
            "bbox_y": y,
            "bbox_w": w,
            "bbox_h": h,
            "true_caption": "the horse is eating the grass",
            "false_caption": "the grass is eating the horse",
            **more,
        }
        for x, y, w, h in boxes
    ]
    write(root / "aro" / file, record)
    pictures(root / "aro" / "images", "2325591.jpg")
    texts = ("the horse is eating the grass", "the grass is eating the horse")
    marks = ("1,2,5,5", "0,0,8,8")
    return [Read((f"images/2325591.jpg#{mark}",), texts, ONE, {"class": label}) for mark in marks]


def aro_relation_parquet(root: Path) -> list[Read]:
    table(
        root / "ARO-Visual-Relation" / "data" / "test-00000-of-00001.parquet",
        ["image"],
        true_caption=["the man is on the horse"],
        false_caption=["the horse is on the man"],
        relation_name=["on"],
        bbox=[{"x": 1.0, "y": 2.0, "w": 4.0, "h": 3.0}],
    )
    texts = ("the man is on the horse", "the horse is on the man")
    image = "data/test-00000-of-00001.parquet/0/image#1,2,5,5"
    return [Read((image,), texts, ONE, {"class": "on"})]


ORDERS = (
    "a man with a red helmet",
    "a helmet with a red man",
    "man a with red a helmet",
    "with a man red a helmet",
    "red helmet a a man with",
)


def order_parquet(folder: str, root: Path) -> list[Read]:
    columns = ("correct_caption", *(f"hard_text_{k}" for k in range(1, 5)))
    table(
        root / folder / "data" / "test-00000-of-00001.parquet",
        ["images"],
        **{column: [text] for column, text in zip(columns, ORDERS, strict=True)},
    )
    return [Read(("data/test-00000-of-00001.parquet/0/images",), ORDERS, ONE)]


def order_json(name: str, image: str, folder: str, root: Path) -> list[Read]:
    write(root / "aro" / f"{name}_order.json", [{"image": image, "caption_options": ORDERS}])
    pictures(root / folder, image)
    return [Read((f"{folder}/{image}",), ORDERS, ONE)]


def valse(file: str, dataset: str, folder: str, root: Path) -> list[Read]:
    """The second item is one that annotators do not confirm."""
    record = {
        f"{file}_{key}": {
            "dataset": dataset,
            "original_split": "test",
            "image_file": "v7w_2348578.jpg",
            "caption": "There are no people.",
            "foil": "There are people.",
            "classes": "no",
            "classes_foil": "",
            "linguistic_phenomena": file,
            "mturk": {"foil": 3 - votes, "caption": votes, "other": 0},
        }
        for key, votes in enumerate((3, 1))
    }
    write(root / "VALSE" / "data" / f"{file}.json", record)
    base = root / folder if folder.startswith("coco") else root / "VALSE" / folder
    pictures(base, "v7w_2348578.jpg")
    texts = ("There are no people.", "There are people.")
    return [Read((f"{folder}/v7w_2348578.jpg",), texts, ONE, {"phenomenon": file})]


def controlled(file: str, folder: str, relations: Sequence[str], root: Path) -> list[Read]:
    words = {"left": "left_of", "right": "right_of", "in-front": "in-front_of"}
    names = [f"beer-bottle_{words.get(each, each)}_armchair.jpeg" for each in relations]
    captions = [f"A beer bottle {each} an armchair" for each in relations]
    own = [(each, *(other for other in captions if other != each)) for each in captions]
    record = [
        {"image_path": f"data/{folder}/{name}", "caption_options": options}
        for name, options in zip(names, own, strict=True)
    ]
    write(root / "whatsup" / file, record)
    pictures(root / "whatsup" / folder, *names)
    opposites = {"left": "left right", "right": "left right", "on": "on under", "under": "on under"}
    axes = [opposites.get(each, "in-front behind") for each in relations]
    labels = [
        {"relation": each, "set": "beer-bottle_armchair", "pair": f"beer-bottle_armchair {axis}"}
        for each, axis in zip(relations, axes, strict=True)
    ]
    return [Read((f"{folder}/{names[k]}",), own[k], ONE, labels[k]) for k in range(4)]


def placed(file: str, number: int, image: str, root: Path) -> list[Read]:
    texts = ("A photo of a cup on the left", "A photo of a cup on the right")
    write(root / "whatsup" / file, [[number, *texts], [number, *reversed(texts)]])
    pictures(root, image)
    return [Read((image,), texts, ONE), Read((image,), texts[::-1], ONE)]


def cv_bench(root: Path) -> list[Read]:
    table(
        root / "CV-Bench" / "test_2d.parquet",
        ["image"],
        idx=[0],
        type=["2D"],
        task=["Count"],
        question=["How many lamps are in the image?"],
        choices=[["1", "0", "3"]],
        answer=["(C)"],
        prompt=["How many lamps are in the image? Select from the following choices.\n(A) 1\n(B) 0\n(C) 3"],
        source=["ADE20K"],
    )
    texts = tuple(f"How many lamps are in the image? {each}" for each in ("1", "0", "3"))
    labels = {"class": "ADE20K", "task": "Count"}
    return [Read(("test_2d.parquet/0/image",), texts, ((0, 2),), labels)]
