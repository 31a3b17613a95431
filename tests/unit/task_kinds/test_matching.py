"""Items become pairs of images and texts that are asked about; what says nothing is refused by name."""

import re

import pytest
from listed import listed

from vlbench.core.contracts import Offers, Target, Text
from vlbench.core.errors import DataError
from vlbench.core.item import Item
from vlbench.core.task import Expectation, TaskRequest
from vlbench.task_kinds.matching import matching

ONE = Item("one", (1,), ("a dog", "a cat", "a fox"), ((0, 0), (0, 2)), {"class": "animals"})
TWO = Item("two", (2, 0), ("left", "right"), ((0, 1), (1, 0)), {"set": "s"})


def build(*items, images=3, settings=None, **fields):
    source = listed((Target(),) * images, Offers(items=items))
    request = TaskRequest(name="pairs", protocol="test", source=source, settings=settings or {}, **fields)
    return matching(request, **(settings or {}))


def listed_pairs(pairs):
    return list(zip(pairs.candidates.tolist(), pairs.queries.tolist(), strict=True))


def test_each_item_asks_its_texts_of_its_images():
    problem = build(ONE, TWO).problem
    assert [text.name for text in problem.texts] == ["a dog", "a cat", "a fox", "left", "right"]
    assert problem.asked.how == "only"
    assert listed_pairs(problem.asked.pairs) == [(0, 3), (0, 4), (1, 0), (1, 1), (1, 2), (2, 3), (2, 4)]
    assert listed_pairs(problem.relevant) == [(0, 3), (1, 0), (1, 2), (2, 4)]


def test_texts_are_grouped_by_their_item_and_its_labels():
    groups = build(ONE, TWO).problem.groups
    assert {name: each.labels for name, each in groups.items()} == {
        "item": ("one", "one", "one", "two", "two"),
        "class": ("animals", "animals", "animals", "", ""),
        "set": ("", "", "", "s", "s"),
    }
    assert {each.of for each in groups.values()} == {"queries"}


def test_items_share_images_and_own_equal_texts():
    problem = build(ONE, Item("again", (1,), ("a dog", "a cow"), ((0, 1),))).problem
    assert listed_pairs(problem.asked.pairs) == [(1, j) for j in range(5)]
    assert listed_pairs(problem.relevant) == [(1, 0), (1, 2), (1, 4)]


def test_between_texts_the_right_ones_find_one_another_among_the_wrong_ones():
    task = build(ONE, settings={"between": "texts"})
    problem = task.problem
    assert problem.candidates == problem.texts
    assert listed_pairs(problem.relevant) == [(0, 2), (2, 0)]
    assert listed_pairs(problem.asked.pairs) == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    assert task.protocol.digest != build(ONE).protocol.digest


def test_templates_are_filled_by_every_text_and_are_protocol():
    task = build(TWO, templates=("a photo of {}", "{}!"))
    assert task.problem.texts[0] == Text("left", prompts=("a photo of left", "left!"))
    assert build(TWO).problem.texts[0].prompts == ("left",)
    assert task.protocol.digest != build(TWO).protocol.digest


def test_aro_cleans_captions():
    long = Item("long", (0,), ('The dog, (fast);  "runs".', " ".join(["Word"] * 40)), ((0, 0),))
    task = build(long, settings={"cleaning": "aro"})
    assert [text.name for text in task.problem.texts] == ["the dog, fast runs", " ".join(["word"] * 30)]
    assert build(long).problem.texts[0].name == 'The dog, (fast);  "runs".'


def test_ties_features_and_cut_texts_are_measured_beside_what_the_card_names():
    assert list(build(TWO, metrics=("group_score", "undecided"), primary="group_score").metrics) == [
        "group_score",
        "undecided",
        "same_features",
        "truncated",
    ]
    assert build(TWO).primary == "text_score"


def test_the_texts_of_all_items_are_counted():
    with pytest.raises(DataError, match="5 texts where the card says 6"):
        build(ONE, TWO, expect=Expectation(images=3, texts=6))
    assert build(ONE, TWO, expect=Expectation(texts=6), allow_subset=True).partial


@pytest.mark.parametrize(
    ("items", "settings", "message"),
    [
        ((), {}, "pairs: no items; a matching needs data that say which texts are asked of which images"),
        ((ONE, ONE), {}, "1 names are those of several items, the first 'one'"),
        ((Item("x", (3,), ("a", "b"), ((0, 0),)),), {}, "item 'x' is of the images at 3; each is one of 3"),
        ((Item("x", (0, 0), ("a", "b"), ((0, 0),)),), {}, "item 'x' is of the images at 0, 0"),
        ((Item("x", (0,), ("a", "b"), ((1, 0),)),), {}, "'x': its right pairs ((1, 0),) are of 1 images"),
        ((Item("x", (0,), ("a", "b"), ()),), {}, "item 'x' needs a right and a wrong pair"),
        ((Item("x", (0,), ("a", "b"), ((0, 0), (0, 1))),), {}, "item 'x' needs a right and a wrong pair"),
        ((TWO, Item("x", (0,), ("a", "b"), ((0, 0),))), {"between": "texts"}, "item 'two' needs two right"),
        ((Item("x", (0,), ("a", "b"), ((0, 0),), {"item": "y"}),), {}, "item 'x' has a label 'item'"),
    ],
)
def test_items_that_say_what_cannot_be_are_named(items, settings, message):
    with pytest.raises(DataError, match=re.escape(message)):
        build(*items, settings=settings)
