"""Items by JSON files: where images lie, which texts belong to them, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vlbench.core.contracts import Dataset, Place
from vlbench.core.errors import DataError, SourceMissing
from vlbench.datasets.layouts.item_json import item_json
from vlbench.datasets.readers.item_fields import ItemFields

PLAIN = ItemFields(images=["image"], right=["caption"], wrong=["foil"])
RECORD = {"image": "a.png", "caption": "a dog", "foil": "a cat"}
Open = Callable[..., Dataset]


@pytest.fixture
def opened(tmp_path: Path, png: Callable[[int], bytes]) -> Open:
    """Items of some records beside the images a.png and b.png."""
    for seed, name in enumerate(("a.png", "b.png")):
        (tmp_path / "set").mkdir(exist_ok=True)
        (tmp_path / "set" / name).write_bytes(png(seed))

    def read(
        records: object, items: ItemFields = PLAIN, *, images: list[str] | None = None, subset: bool = False
    ) -> Dataset:
        (tmp_path / "set" / "c.json").write_text(json.dumps(records))
        place = Place(roots=(tmp_path,), allow_subset=subset)
        return item_json(place, path="set", annotations="c.json", items=items, images=images)

    return read


def test_images_are_shared_and_items_keep_their_order(opened: Open) -> None:
    source = opened([{**RECORD, "image": "b.png"}, RECORD, {**RECORD, "image": "b.png", "foil": "a cow"}])
    assert [example.id for example in source.examples] == ["b.png", "a.png"]
    assert [item.images for item in source.offers.items] == [(0,), (1,), (0,)]
    assert [item.id for item in source.offers.items] == ["0", "1", "2"]
    assert source.reading.labels == "caption, foil of c.json"


def test_the_revision_is_of_what_is_said(opened: Open) -> None:
    before = opened([RECORD]).revision
    assert opened({"0": RECORD}).revision == before
    assert opened([{**RECORD, "foil": "a cow"}]).revision != before
    assert opened([RECORD], ItemFields(["image"], ["caption", "foil"])).revision != before


def test_a_field_may_hold_several_texts(opened: Open) -> None:
    (item,) = opened([{**RECORD, "foil": [" a cat ", "a cow"]}]).offers.items
    assert (item.texts, item.right) == (("a dog", "a cat", "a cow"), ((0, 0),))


@pytest.mark.parametrize(("answer", "place"), [("(B)", 1), ("c", 2), (0, 0)])
def test_an_answer_names_the_right_option(opened: Open, answer: object, place: int) -> None:
    fields = ItemFields(images=["image"], options="choices", answer="answer", question="question")
    record = {"image": "a.png", "choices": ["1", "2", "3"], "answer": answer, "question": "How many?"}
    (item,) = opened([record], fields).offers.items
    assert item.texts == ("How many? 1", "How many? 2", "How many? 3")
    assert item.right == ((0, place),)


def test_images_lie_where_the_first_pattern_has_them(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "coco").mkdir()
    (tmp_path / "set" / "a.png").rename(tmp_path / "coco" / "000000000007.png")
    fields = ItemFields(images=[0], right=[1])
    for stated, pattern in ((7, "coco/{:012}.png"), ("https://x.org/y/000000000007.png", "coco/{name}")):
        source = opened([[stated, "a dog"]], fields, images=["elsewhere", pattern])
        assert [example.id for example in source.examples] == ["coco/000000000007.png"]


def test_items_of_missing_images_are_left_out_of_a_subset(opened: Open) -> None:
    pairs = ItemFields(images=["image", "other"], right=["caption", "foil"])
    records = [{**RECORD, "other": "gone.png"}, {**RECORD, "other": "b.png"}]
    with pytest.raises(DataError, match=r"c\.json: image gone\.png is not there; complete the images"):
        opened(records, pairs)
    source = opened(records, pairs, subset=True)
    assert [item.id for item in source.offers.items] == ["1"]
    assert [example.id for example in source.examples] == ["a.png", "b.png"]
    lacks = "1 of 3 listed images are not there, as gone.png; 1 of 2 items want one of them"
    assert source.reading.lacks == lacks
    with pytest.raises(DataError, match="no item has all its images"):
        opened(records[:1], pairs, subset=True)


def test_data_that_do_not_lie_there_are_missing(opened: Open) -> None:
    with pytest.raises(SourceMissing, match="none of the 1 images") as error:
        opened([{**RECORD, "image": "x.png"}], images=["val2017"])
    assert error.value.advice == "put them there, as val2017/x.png"
    with pytest.raises(SourceMissing, match=r"no c\.json"):
        item_json(Place(), path="/nowhere", annotations="c.json", items=PLAIN)


BOXED = ItemFields(images=["image"], right=["caption"], box=["x", "y", "w", "h"])
CHOICES = ItemFields(images=["image"], options="choices", answer="answer")
LEAST = ItemFields(images=["image"], right=["caption"], least={"votes.caption": 2})
WRONG: list[tuple[object, ItemFields, str]] = [
    (
        {"image": "a.png", "caption": "a dog"},
        PLAIN,
        "item 0 has no 'foil', but image, caption; fetch the file again, or name another",
    ),
    ([0], ItemFields([0], [3]), "item 0 has no 3, but 1 values"),
    ("text", PLAIN, "item 0 has no 'image', but nothing"),
    ({**RECORD, "caption": ""}, PLAIN, "item 0: caption '' is no text and no list of texts"),
    ({**RECORD, "foil": [1]}, PLAIN, r"item 0: foil \[1\] is no text"),
    ({**RECORD, "image": "../a.png"}, PLAIN, "'../a.png' leads out of the folder"),
    ({**RECORD, "image": "/etc/a.png"}, PLAIN, "'/etc/a.png' leads out"),
    ({**RECORD, "image": None}, PLAIN, "item 0: image None names no image"),
    ({**RECORD, "image": "x.org://../../a.png"}, PLAIN, "leads out"),
    (RECORD, ItemFields(["image"]), "item 0 has no right text; name its field as `right` or `options`"),
    (RECORD, ItemFields(["image", "image"], ["caption"]), "item 0 has 1 right texts for 2 images"),
    ({**RECORD, "x": 0, "y": 0, "w": 0, "h": 3}, BOXED, r"item 0: box \[0, 0, 0, 3\] holds no pixel"),
    ({**RECORD, "x": 0, "y": "0", "w": 1, "h": 3}, BOXED, "is no left, top, width and height"),
    ({**RECORD, "choices": ["1"], "answer": "(B)"}, CHOICES, r"answer '\(B\)' names none of 1 options"),
    ({**RECORD, "choices": ["1"], "answer": ""}, CHOICES, "answer '' names none of 1 options"),
    ({**RECORD, "votes": {"foil": 1}}, LEAST, "item 0 has no 'caption', but foil"),
    ({**RECORD, "votes": {"caption": "3"}}, LEAST, "votes.caption is '3' and no whole number"),
    (
        {**RECORD, "foil": {}},
        ItemFields(["image"], ["caption"], labels={"class": "foil"}),
        "label {} is no word",
    ),
]


@pytest.mark.parametrize(("record", "fields", "message"), WRONG)
def test_a_wrong_record_is_named(opened: Open, record: Any, fields: ItemFields, message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        opened([record], fields)
    assert "c.json" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_number_in_a_pattern_is_a_number(opened: Open) -> None:
    with pytest.raises(DataError, match=r"c\.json: image 'a\.png' is no number"):
        opened([RECORD], images=["val2017/{:012}.jpg"])


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "not JSON"), ("3", "neither an object of records nor a list"), ("[]", "states no item")],
)
def test_a_wrong_file_is_named(opened: Open, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "set" / "d.json").write_text(text)
    with pytest.raises(DataError, match=message):
        item_json(Place(roots=(tmp_path,)), path="set", annotations="d.json", items=PLAIN)
