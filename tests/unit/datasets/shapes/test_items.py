"""Items of the shape world: each caption is true of its own scene alone, and scenes differ in that."""

import pickle
from collections import Counter

import numpy as np
import pytest

from vlbench.core.contracts import Place
from vlbench.datasets.shapes.claims import is_true
from vlbench.datasets.shapes.items import draw_items
from vlbench.datasets.shapes.scenes import shapes
from vlbench.datasets.shapes.world import HELD_OUT, draw_scene, render

COUNT = 120
ITEMS = draw_items(COUNT, "test", 0)
WITH_TWO = ("colours swapped", "places swapped", "relation turned")
WITH_ONE = ("colour replaced", "shape replaced", "size replaced")


def test_the_items_are_those_of_the_worlds_version():
    assert [[caption.text for caption in item.captions] for item in ITEMS[:6]] == [
        ["a yellow ring and a cyan cross", "a cyan ring and a yellow cross"],
        ["a green square above an orange star", "an orange star above a green square"],
        ["an orange triangle above a yellow heart", "an orange triangle below a yellow heart"],
        ["a purple diamond and a blue cross", "a pink diamond and a blue cross"],
        ["a cyan triangle and a purple circle", "a cyan heart and a purple circle"],
        ["a medium cyan diamond and a large green cross", "a large cyan diamond and a large green cross"],
    ]


def test_kinds_come_in_turn_and_three_have_two_scenes():
    kinds = Counter(item.kind for item in ITEMS)
    assert kinds == dict.fromkeys((*WITH_TWO, *WITH_ONE), COUNT // 6)
    assert {item.kind for item in ITEMS if len(item.scenes) == 2} == set(WITH_TWO)


def test_a_caption_is_true_of_its_own_scene_alone():
    for item in ITEMS:
        for place, scene in enumerate(item.scenes):
            assert [is_true(caption, scene) for caption in item.captions] == [place == 0, place == 1]


def test_captions_differ_in_one_word_or_in_their_order():
    for item in ITEMS:
        one, other = (caption.text.replace("an ", "a ").split() for caption in item.captions)
        differing = sum(a != b for a, b in zip(one, other, strict=True))
        if item.kind in ("colours swapped", "places swapped"):
            assert sorted(one) == sorted(other)
            assert differing in (2, 4)
        else:
            assert differing == 1


def test_two_scenes_of_an_item_have_one_ground_and_things_that_fit():
    for item in ITEMS:
        for scene in item.scenes:
            first, second = scene.things
            assert (scene.ground, scene.key) == (item.scenes[0].ground, item.scenes[0].key)
            distance = (first.x - second.x) ** 2 + (first.y - second.y) ** 2
            assert distance > (first.radius + second.radius) ** 2
            for thing in scene.things:
                assert thing.radius < thing.x < 512 - thing.radius
                assert thing.radius < thing.y < 512 - thing.radius
        assert len({render(scene).tobytes() for scene in item.scenes}) == len(item.scenes)


def test_a_source_states_the_items_of_its_scenes():
    source = shapes(Place(), question="items", count=12)
    assert (source.name, len(source)) == ("shapes/items-test", 18)
    for item, drawn in zip(source.offers.items, ITEMS, strict=False):
        assert item.labels == {"class": drawn.kind}
        for image, text in item.right:
            shown = np.asarray(source[item.images[image]].image())
            scene, caption = drawn.scenes[image], drawn.captions[image]
            assert np.array_equal(shown, render(scene))
            assert item.texts[text] == caption.text
    assert Counter(item.right[0][1] for item in shapes(Place(), question="items").offers.items)[0] in range(
        250, 390
    )


def test_a_scene_that_is_as_it_was_drawn_is_stored_once():
    source = shapes(Place(), question="items", count=6)
    drawn = shapes(Place(), question="tags", count=ITEMS[0].index + 1)[ITEMS[0].index]
    assert (source[0].key, source[0].id) == (drawn.key, drawn.id)
    assert np.array_equal(np.asarray(source[0].image()), np.asarray(drawn.image()))
    assert source[1].id == f"{drawn.id}-changed"
    assert len({each.key for each in source.examples}) == len({each.id for each in source.examples}) == 9


@pytest.mark.parametrize("split", ["train", "test"])
def test_items_of_a_split_show_its_pairs(split):
    drawn = draw_items(60, split, 3)
    assert all(
        item.scenes[0] == draw_scene(population="several", split=split, seed=3, index=item.index)
        for item in drawn
    )
    things = [thing for item in drawn for scene in item.scenes for thing in scene.things]
    pairs = {(thing.colour, thing.shape) for thing in things}
    assert bool(pairs & set(HELD_OUT)) is (split == "test")


def test_styles_and_seeds_are_other_images_and_examples_travel():
    plain, other = (shapes(Place(), question="items", count=6, style=style) for style in ("plain", "outline"))
    assert other.name == "shapes/items-test-outline"
    assert plain.offers == other.offers
    assert not {each.key for each in plain.examples} & {each.key for each in other.examples}
    assert shapes(Place(), question="items", count=6, seed=1).offers != plain.offers
    sent = pickle.dumps(plain[1])
    assert len(sent) < 1000
    assert np.array_equal(np.asarray(pickle.loads(sent).image()), np.asarray(plain[1].image()))
