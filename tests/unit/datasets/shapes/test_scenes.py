"""The shape world: what is drawn, what is asked, and that captions are true of one scene only."""

import hashlib
import pickle
import re
from dataclasses import replace

import numpy as np
import pytest

from vlbench.core.contracts import Place
from vlbench.core.digest import digest_of
from vlbench.core.errors import CardError, DataError
from vlbench.datasets.shapes.captions import write_captions
from vlbench.datasets.shapes.claims import (
    Caption,
    Mention,
    Presence,
    Relation,
    is_true,
)
from vlbench.datasets.shapes.scenes import shapes
from vlbench.datasets.shapes.world import (
    COLOUR_NAMES,
    COMBINATIONS,
    HELD_OUT,
    SEEN,
    SHAPES,
    SIZES,
    WORLD_VERSION,
    Scene,
    Thing,
    draw_scene,
    render,
)

RED, BLUE = COLOUR_NAMES.index("red"), COLOUR_NAMES.index("blue")
CIRCLE, SQUARE = SHAPES.index("circle"), SHAPES.index("square")


def thing(colour: int, shape: int, *, x: int, y: int, size: int = 1) -> Thing:
    return Thing(colour=colour, shape=shape, size=size, x=x * 8, y=y * 8, radius=64, turn=0, rgb=(200, 0, 0))


def scene(*things: Thing, shade: int = 0) -> Scene:
    return Scene(things=things, shade=shade, ground=(0, 0, 0), slope=(0, 0), noise=0, key=(9,))


def test_the_world_is_that_of_its_version() -> None:
    # a change of pixels, scenes or captions must raise WORLD_VERSION, then these digests follow
    state = hashlib.sha256()
    for population in ("single", "several"):
        for index in range(6):
            state.update(
                render(draw_scene(population=population, split="test", seed=0, index=index)).tobytes()
            )
    captions = hashlib.sha256()
    source = shapes(Place(), question="captions", count=40)
    for index in range(40):
        captions.update("\n".join(source[index].target.captions).encode())
    assert (WORLD_VERSION, state.hexdigest()[:16], captions.hexdigest()[:16]) == (
        1,
        "8d0a7a763dfa2bd6",
        "8a277c950bcf2eb3",
    )


def test_outlines_are_those_of_the_worlds_version() -> None:
    state = hashlib.sha256()
    for population in ("single", "several"):
        for index in range(6):
            drawn = draw_scene(population=population, split="test", seed=0, index=index)
            state.update(render(drawn, "outline").tobytes())
    assert (WORLD_VERSION, state.hexdigest()[:16]) == (1, "3a3afa2f3c7425b8")


def test_two_pairs_of_every_colour_and_every_shape_are_held_out() -> None:
    assert len(HELD_OUT) == 16
    assert set(HELD_OUT) | set(SEEN) == set(COMBINATIONS)
    assert np.bincount([colour for colour, _ in HELD_OUT]).tolist() == [2] * 8
    assert np.bincount([shape for _, shape in HELD_OUT]).tolist() == [2] * 8


def test_training_scenes_show_no_held_out_pair_and_single_test_scenes_nothing_else() -> None:
    for index in range(200):
        for population in ("single", "several"):
            for item in draw_scene(population=population, split="train", seed=3, index=index).things:
                assert (item.colour, item.shape) not in HELD_OUT
        (item,) = draw_scene(population="single", split="test", seed=0, index=index).things
        assert (item.colour, item.shape) == HELD_OUT[index % 16]


def test_things_lie_inside_and_apart() -> None:
    for index in range(100):
        things = draw_scene(population="several", split="test", seed=1, index=index).things
        assert 2 <= len(things) <= 4
        for item in things:
            assert item.radius < item.x < 512 - item.radius
            assert item.radius < item.y < 512 - item.radius
        for one in things:
            for other in things:
                distance = (one.x - other.x) ** 2 + (one.y - other.y) ** 2
                assert one is other or distance > (one.radius + other.radius) ** 2


def test_a_circle_covers_its_area_and_is_blended_at_the_edge() -> None:
    pixels = render(scene(thing(RED, CIRCLE, x=32, y=32))).astype(int)
    assert pixels[32, 32].tolist() == [200, 0, 0]
    assert pixels[0, 0].tolist() == [0, 0, 0]
    radius = 8 * 960 / 1024
    assert pixels[..., 0].sum() / 200 == pytest.approx(np.pi * radius**2, rel=0.02)
    assert ((pixels[..., 0] > 0) & (pixels[..., 0] < 200)).any()


def test_an_outline_is_a_pixel_wide_and_leaves_the_inside_to_the_ground() -> None:
    bare = replace(scene(), ground=(100, 100, 100))
    drawn = replace(bare, things=(thing(RED, SQUARE, x=32, y=32),))
    ground, line = render(bare, "outline"), render(drawn, "outline")
    assert np.array_equal(line[28:36, 28:36], ground[28:36, 28:36])
    assert render(drawn)[28:36, 28:36, 0].min() == 200
    share = 1 - line[32, :32, 1] / ground[32, :32, 1]  # of each pixel left of the middle, red has no green
    assert share.sum() == pytest.approx(1, abs=0.05)
    edge = 32 - 8 * 830 / 1024
    assert (share * (np.arange(32) + 0.5)).sum() == pytest.approx(edge + 0.5, abs=0.3)
    assert np.ptp(ground) > 4 * np.ptp(render(bare))


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        (Caption("", (Presence(Mention(RED, CIRCLE)),)), True),
        (Caption("", (Presence(Mention(RED, SQUARE)),)), False),  # red and square, but not one thing
        (Caption("", (Presence(Mention(RED), 2),)), False),
        (Caption("", (Presence(Mention(RED, CIRCLE, 2)),)), False),
        (Caption("", (), (Relation(Mention(RED, CIRCLE), Mention(BLUE, SQUARE), "across"),)), True),
        (Caption("", (), (Relation(Mention(BLUE, SQUARE), Mention(RED, CIRCLE), "across"),)), False),
        (Caption("", (), (Relation(Mention(BLUE, SQUARE), Mention(RED, CIRCLE), "down"),)), True),
        (Caption("", (), total=3), False),
        (Caption("", (), shade=2), False),
    ],
)
def test_what_a_caption_claims_is_held_against_a_scene(caption: Caption, expected: bool) -> None:
    # the circle is left of the square by one pixel, and below it
    shown = scene(thing(RED, CIRCLE, x=30, y=50), thing(BLUE, SQUARE, x=31, y=12))
    assert is_true(caption, shown) is expected


def read_claims(text: str) -> list[tuple[int, str | None, str | None, str | None]]:
    """Number, size, colour and shape of every thing that a caption's words name."""
    pattern = rf"\b(an?|two|three|four) ((?:{'|'.join(SIZES)}) )?((?:{'|'.join(COLOUR_NAMES)}) )?(\w+)"
    numbers = {"a": 1, "an": 1, "two": 2, "three": 3, "four": 4}
    found = []
    for count, size, colour, noun in re.findall(pattern, text):
        shape = next((name for name in SHAPES if noun in (name, f"{name}s", f"{name}es")), None)
        if shape or noun in ("shape", "shapes"):
            found.append((numbers[count], size.strip() or None, colour.strip() or None, shape))
    return found


def test_the_words_of_captions_are_true_of_their_scene() -> None:
    source = shapes(Place(), question="captions", count=120)
    for index in range(120):
        things = draw_scene(population="several", split="test", seed=0, index=index).things
        captions = source[index].target.captions
        assert len(set(captions)) == 5
        for caption in captions:
            claims = read_claims(caption)
            assert claims, caption
            for number, size, colour, shape in claims:
                named = [
                    item
                    for item in things
                    if size in (None, SIZES[item.size])
                    and colour in (None, COLOUR_NAMES[item.colour])
                    and shape in (None, SHAPES[item.shape])
                ]
                assert len(named) >= number, caption


def test_relations_in_words_point_the_right_way() -> None:
    source = shapes(Place(), question="captions", count=120)
    named = rf"({'|'.join(COLOUR_NAMES)}) ({'|'.join(SHAPES)})"
    words = "left of|right of|above|over|below|under"
    pattern = rf"{named} (?:to the )?({words}) an? (?:\w+ )?{named}"
    seen = set()
    for index in range(120):
        things = draw_scene(population="several", split="test", seed=0, index=index).things
        place = {(COLOUR_NAMES[item.colour], SHAPES[item.shape]): (item.x, item.y) for item in things}
        for caption in source[index].target.captions:
            for colour, shape, word, other_colour, other_shape in re.findall(pattern, caption):
                one, other = place[colour, shape], place[other_colour, other_shape]
                axis = 0 if word in ("left of", "right of") else 1
                forward = word in ("left of", "above", "over")
                assert (one[axis] < other[axis]) is forward, caption
                seen.add(word)
    assert len(seen) == 6


def test_scenes_that_no_caption_can_tell_apart_are_refused() -> None:
    shown = scene(thing(RED, CIRCLE, x=12, y=12), thing(BLUE, SQUARE, x=50, y=50))
    with pytest.raises(DataError, match=r"scene 0 .* choose another seed"):
        write_captions([shown, shown], (7,))


def test_one_scene_has_one_fingerprint_whatever_is_asked() -> None:
    captions = shapes(Place(), question="captions", count=50)
    tags = shapes(Place(), question="tags", count=50)
    labels = shapes(Place(), question="label", count=50)
    assert [captions[k].key for k in range(50)] == [tags[k].key for k in range(50)]
    assert captions.revision == tags.revision != labels.revision
    assert captions[3].id == tags[3].id
    assert np.array_equal(np.asarray(captions[3].image()), np.asarray(tags[3].image()))
    assert captions[3].key != labels[3].key
    assert shapes(Place(), seed=1)[0].key != shapes(Place(), seed=2)[0].key


def test_a_style_shows_the_same_scenes_under_names_of_its_own() -> None:
    plain = shapes(Place(), count=32)
    other = shapes(Place(), count=32, style="outline")
    assert [plain[k].target for k in range(32)] == [other[k].target for k in range(32)]
    assert other.name == f"{plain.name}-outline"
    assert other.revision != plain.revision
    assert other[3].id != plain[3].id
    assert other[3].key != plain[3].key
    assert not np.array_equal(np.asarray(other[3].image()), np.asarray(plain[3].image()))
    drawn = render(draw_scene(population="single", split="test", seed=0, index=3), "outline")
    assert np.array_equal(np.asarray(other[3].image()), drawn)


def test_plain_scenes_keep_the_names_they_had_before_there_were_styles() -> None:
    source = shapes(Place(), seed=3, count=9)
    assert source.name == "shapes/single-test"
    assert source[5].id == "single-test-3-00005"
    assert source[5].key == "shapes|1|single|test|3|5"
    assert source.revision == digest_of([1, "single", "test", 3, 9])


def test_targets_say_what_is_there() -> None:
    tags = shapes(Place(), question="tags", count=30)
    for index in range(30):
        things = draw_scene(population="several", split="test", seed=0, index=index).things
        expected = {COLOUR_NAMES[t.colour] for t in things} | {SHAPES[t.shape] for t in things}
        assert set(tags[index].target.tags or ()) == expected
    assert shapes(Place(), question="label")[0].target.label == "red circle"


def test_an_example_travels_to_a_worker_and_indices_end() -> None:
    source = shapes(Place(), count=4)
    example = pickle.loads(pickle.dumps(source[1]))
    assert example.image().size == (64, 64)
    assert len({source[index].id for index in range(4)}) == 4
    with pytest.raises(IndexError):
        source[4]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"question": "labels"}, "question is 'labels'; choose one of label, captions, tags"),
        ({"split": "val"}, "split is 'val'"),
        ({"style": "filled"}, "style is 'filled'; choose one of plain, outline"),
        ({"count": 0}, "count is 0; give an integer of at least 1"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(CardError, match=re.escape(message)):
        shapes(Place(), **options)  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_pool_shows_every_pair_says_so_and_shares_no_image_with_the_test_split() -> None:
    pool = shapes(Place(), question="caption", split="pool", count=320, style="outline")
    pairs = set()
    for index, example in enumerate(pool.examples):
        (item,) = draw_scene(population="single", split="pool", seed=0, index=index).things
        pairs.add((item.colour, item.shape))
        (caption,) = example.target.captions
        assert f"{COLOUR_NAMES[item.colour]} {SHAPES[item.shape]}" in caption
    assert pairs == set(COMBINATIONS)
    tested = shapes(Place(), split="test", count=320, style="outline")
    drawn = [hashlib.sha256(each.image().tobytes()).digest() for each in (*pool.examples, *tested.examples)]
    assert len(set(drawn)) == 640
