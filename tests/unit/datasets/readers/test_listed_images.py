"""Data that are listed and lie there in part: refused, or a part that says so where the user asks for it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from vlbench.core.contracts import Dataset, Place, Text
from vlbench.core.errors import DataError
from vlbench.core.task import Expectation, TaskRequest
from vlbench.datasets.layouts.aircraft_variants import aircraft_variants
from vlbench.datasets.layouts.caption_json import caption_json
from vlbench.datasets.layouts.caption_lines import caption_lines
from vlbench.datasets.layouts.caption_list import caption_list
from vlbench.datasets.layouts.coco_tags import coco_tags
from vlbench.datasets.layouts.coop_split import coop_split
from vlbench.datasets.layouts.crossmodal3600 import crossmodal3600
from vlbench.datasets.layouts.image_list import image_list
from vlbench.datasets.layouts.tag_annotations import tag_annotations
from vlbench.datasets.layouts.voc import voc_objects, voc_tags
from vlbench.datasets.readers.jsonl import jsonl
from vlbench.task_kinds.classification import classification
from vlbench.task_kinds.retrieval import retrieval
from vlbench.task_kinds.tagging import tagging

BOX = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox>"


def listed(root: Path) -> None:
    """Three images of every listing that a source reads: 0 is a cat, 1 a dog, 2 a cat."""
    names = ("cat", "dog", "cat")
    images = [f"{i}.jpg" for i in range(3)]

    def write(file: str, content: object) -> None:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))

    rows = [{"file_name": image, "label": name} for image, name in zip(images, names, strict=True)]
    write("metadata.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
    write("list.txt", "0.jpg 0\n1.jpg 1\n2.jpg 0\n")
    write("names.txt", "cat\ndog\n")
    write("tags.txt", "0.jpg,cat\n1.jpg,dog\n2.jpg,cat\n")
    write("c.txt", "0.jpg,a cat\n1.jpg,a dog\n2.jpg,cats\n")
    write("c.json", [{"image": image, "caption": f"a {i}"} for i, image in enumerate(images)])
    write("image_names.txt", "0.jpg\n1.jpg\n2.jpg\n")
    write("captions.txt", "a cat\na dog\ncats\n")
    keys = ({"image/key": str(i), "de": {"caption": [f"eine {i}"]}} for i in range(3))
    write("captions.jsonl", "".join(f"{json.dumps(key)}\n" for key in keys))
    split = [[image, int(name == "dog"), name] for image, name in zip(images, names, strict=True)]
    write("split_zhou_Own.json", {"test": split})
    write("variants.txt", "cat\ndog\n")
    write("images_variant_test.txt", "0 cat\n1 dog\n2 cat\n")
    coco = {
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "images": [{"id": i, "file_name": image} for i, image in enumerate(images)],
        "annotations": [{"image_id": i, "category_id": 1 + (i == 1)} for i in range(3)],
    }
    write("annotations/instances_val2014.json", coco)
    write("ImageSets/Main/test.txt", "0\n1\n2\n")
    for i, name in enumerate(names):
        write(f"Annotations/{i}.xml", f"<annotation><object><name>{name}</name>{BOX}</object></annotation>")


OPENED: dict[str, tuple[str, Callable[[Place], Dataset]]] = {
    "jsonl": ("", lambda place: jsonl(place, path=".")),
    "image_list": ("", lambda place: image_list(place, path=".", list="list.txt", label="column")),
    "tag_annotations": ("", lambda place: tag_annotations(place, path=".", annotations="tags.txt")),
    "caption_list": ("", lambda place: caption_list(place, path=".", annotations="c.txt")),
    "caption_json": ("", lambda place: caption_json(place, path=".", annotations="c.json")),
    "caption_lines": (
        "images/",
        lambda place: caption_lines(place, path=".", names="image_names.txt", captions="captions.txt"),
    ),
    "crossmodal3600": ("images/", lambda place: crossmodal3600(place, path=".", language="de")),
    "coop_split": ("", lambda place: coop_split(place, path=".")),
    "aircraft_variants": ("images/", lambda place: aircraft_variants(place, path=".")),
    "coco_tags": ("val2014/", lambda place: coco_tags(place, path=".")),
    "voc_tags": ("JPEGImages/", lambda place: voc_tags(place, path=".")),
    "voc_objects": ("JPEGImages/", lambda place: voc_objects(place, path=".")),
}


@pytest.mark.parametrize("name", OPENED)
def test_a_part_of_listed_images_is_taken_where_it_is_asked_for(
    name: str, tmp_path: Path, png: Callable[[int], bytes]
) -> None:
    listed(tmp_path)
    folder, opened = OPENED[name]
    for i in (0, 1):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / f"{i}.jpg").write_bytes(png(i))
    with pytest.raises(
        DataError, match=r"2\.jpg.* is not there; complete the images, or pass --allow-subset"
    ):
        opened(Place(roots=(tmp_path,)))
    source = opened(Place(roots=(tmp_path,), allow_subset=True))
    assert len(source) == 2
    source[1].image().load()
    assert source.reading.lacks == "1 of 3 listed images are not there, as 2.jpg"
    names = source.offers.names or (Text("cat"), Text("dog"))
    request = TaskRequest(name="t", protocol="p", source=source, names=names, allow_subset=True)
    target = source[0].target
    kind = retrieval if target.captions else classification if target.label is not None else tagging
    if kind is not retrieval:
        assert len(kind(request).problem.texts) == 2
    assert kind(request).partial == "1 of 3 listed images are not there, as 2.jpg"


def test_a_part_says_what_lacks_before_what_the_card_counts(
    tmp_path: Path, png: Callable[[int], bytes]
) -> None:
    listed(tmp_path)
    (tmp_path / "0.jpg").write_bytes(png(0))
    source = jsonl(Place(allow_subset=True), path=str(tmp_path))
    expect = Expectation(images=3)
    request = TaskRequest(name="t", protocol="p", source=source, allow_subset=True, expect=expect)
    partial = classification(request).partial
    assert partial == "2 of 3 listed images are not there, as 1.jpg, 1 images where the card says 3"


def test_none_of_the_listed_images_is_no_part(tmp_path: Path) -> None:
    listed(tmp_path)
    with pytest.raises(DataError, match=r"0\.jpg is not there, nor are 2 more; complete the images$"):
        jsonl(Place(allow_subset=True), path=str(tmp_path))
