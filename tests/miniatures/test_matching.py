"""Matching: an item owns its captions; images may be shared by items. Ties and constants are wrong."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from miniatures.hand import (
    SETTINGS,
    alike,
    answering,
    by_scores,
    by_vectors,
    loaded,
    matched,
    run,
    values,
    words,
)

from vlbench.core.contracts import Text
from vlbench.core.errors import Unsupported
from vlbench.core.item import Item
from vlbench.core.problem import Problem
from vlbench.core.task import Task
from vlbench.engine.plan import plan_job
from vlbench.engine.stored import stored_prediction
from vlbench.scorings.asked_pairs import keep_asked_pairs

WINOGROUND = ("text_score", "image_score", "group_score")


def sugar_crepe():
    """Four items of two images: pictures 0 and 1, each of two items; (caption, negative) of each item."""
    captions = (
        ("a cat", "a dog"),
        ("a cat sits", "a cat stands"),
        ("two birds", "two boats"),
        ("it flies", "it sinks"),
    )
    return matched([Item(str(i), (i // 2,), texts, ((0, 0),)) for i, texts in enumerate(captions)], 2)


SUGAR = by_scores(
    {
        "a cat": (0.9, 9),
        "a dog": (0.8, 9),  # item 0: 0.9 > 0.8, right; what the other image makes of it is not asked
        "a cat sits": (0.5, 9),
        "a cat stands": (0.5, 9),  # item 1: a tie, wrong
        "two birds": (9, 0.3),
        "two boats": (9, 0.6),  # item 2: 0.3 < 0.6, wrong
        "it flies": (9, 0.5),
        "it sinks": (9, 0.4),  # item 3: 0.5 > 0.4, right, although item 2's negative is above both
    }
)


def test_sugarcrepe_counts_items_and_not_images(tmp_path):
    result = run(sugar_crepe(), SUGAR, tmp_path)
    assert result.score == 2 / 4
    assert (result.n_images, result.n_texts, result.n_relevant) == (2, 8, 4)
    assert result.timing.images_encoded == 2  # an image of two items is encoded once


def winoground(metrics=WINOGROUND) -> Task:
    """Item i is pictures 2i, 2i + 1 and captions 2i, 2i + 1, of which those of one number belong together."""
    items = [
        Item(
            str(i),
            (2 * i, 2 * i + 1),
            (f"caption {2 * i}", f"caption {2 * i + 1}"),
            ((0, 0), (1, 1)),
            {"class": f"pattern {i // 2}"},
        )
        for i in range(4)
    ]
    return matched(items, 8, metrics)


def mmvp():
    return winoground(("macro_image_score",))


# [caption 0 of image 0, of image 1], [caption 1 of ...] of each item; elsewhere 9, which nobody asks
BOTH = ((4, 1), (2, 3))  # image 0: 4 > 2, image 1: 3 > 1; caption 0: 4 > 1, caption 1: 3 > 2
TEXT = ((4, 1), (3, 2))  # image 0: 4 > 3, image 1: 2 > 1; caption 0: 4 > 1, caption 1: 2 < 3
IMAGE = ((2, 1), (3, 4))  # image 0: 2 < 3; caption 0: 2 > 1, caption 1: 4 > 3
TIED = ((3, 3), (3, 4))  # image 0: 3 = 3; caption 0: 3 = 3


def two_by_two(*items):
    """A model of the scores of items, each of two captions' scores of its two images."""
    table = {}
    for item, captions in enumerate(items):
        for place, scores in enumerate(captions):
            row = [9.0] * (2 * len(items))
            row[2 * item : 2 * item + 2] = scores
            table[f"caption {2 * item + place}"] = row
    return by_scores(table)


def test_winoground_has_three_scores(tmp_path):
    result = run(winoground(), two_by_two(BOTH, TEXT, IMAGE, TIED), tmp_path)
    assert values(result) == {
        "text_score": 2 / 4,
        "image_score": 2 / 4,
        "group_score": 1 / 4,
        "undecided": 1 / 4,  # the last
        "same_features": 0.0,
        "truncated": 0.0,
    }


def test_mmvp_asks_the_images_of_each_statement(tmp_path):
    result = run(mmvp(), two_by_two(BOTH, TEXT, IMAGE, BOTH), tmp_path)
    # pattern 0: items 0 and 1, one right; pattern 1: both right
    assert result.score == (1 / 2 + 2 / 2) / 2
    assert [(part.name, part.value) for part in result.metrics[0].parts] == [
        ("pattern 0", 0.5),
        ("pattern 1", 1),
    ]


PLUS = {"P0": (1.0, 0.0), "Q0": (0.8, 0.6), "N0": (0.0, 1.0)}
"""Item 0: cos(P, Q) = 0.8 > cos(P, N) = 0 and > cos(Q, N) = 0.6: right."""
PLUS |= {"P1": (1.0, 0.0), "Q1": (0.6, 0.8), "N1": (0.0, 2.0)}
"""Item 1: cos(P, Q) = 0.6 > cos(P, N) = 0, but < cos(Q, N) = 0.8: wrong; lengths do not count."""
PLUS |= {"P2": (1.0, 0.0), "Q2": (0.8, 0.6), "N2": (1.0, 0.0)}
"""Item 2: the negative is its caption: cos(P, N) = 1 and cos(Q, N) = cos(P, Q): wrong."""


def sugar_crepe_plus(**settings):
    """Two captions of one image and a negative; between texts each caption has to be nearer to the other."""
    count = len(PLUS) // 3 if settings else 2
    items = [Item(str(i), (i,), (f"P{i}", f"Q{i}", f"N{i}"), ((0, 0), (0, 1))) for i in range(count)]
    return matched(items, count, **settings)


def between_texts():
    return sugar_crepe_plus(between="texts")


def test_sugarcrepe_plus_asks_texts_by_texts(tmp_path):
    checkpoint = by_vectors([[0.0, 0.0]], PLUS)
    result = run(between_texts(), checkpoint, tmp_path)
    assert result.score == 1 / 3
    assert result.metric("same_features").value == 1 / 3  # P2 and N2
    assert (result.n_images, checkpoint.model.seen) == (0, [])
    assert sum(checkpoint.model.texts_seen) == 9  # captions that are candidates and queries are encoded once
    assert result.timing.images_encoded == 0


def test_sugarcrepe_plus_asks_an_image_of_two_captions(tmp_path):
    """Both captions have to be above the negative, and the two right ones may stand as they like."""
    # of item 1, Q1 is below N1
    assert run(sugar_crepe_plus(), PLUS_IMAGES, tmp_path).score == 1 / 2


PLUS_IMAGES = by_scores({"P0": (3, 0), "Q0": (2, 0), "N0": (1, 0), "P1": (0, 3), "Q1": (0, 1), "N1": (0, 2)})


MODELS = {
    "sugarcrepe": (sugar_crepe, SUGAR),
    "winoground": (winoground, two_by_two(BOTH, TEXT, IMAGE, TIED)),
    "mmvp": (mmvp, two_by_two(BOTH, TEXT, IMAGE, BOTH)),
    "sugarcrepe++ itt": (sugar_crepe_plus, PLUS_IMAGES),
    "sugarcrepe++ tot": (between_texts, by_vectors([[0.0, 0.0]], PLUS)),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_constant_model_is_never_right(name, tmp_path):
    asked, checkpoint = MODELS[name]
    constant = answering(checkpoint, 0.5) if "tot" not in name else alike(checkpoint)
    found = values(run(asked(), constant, tmp_path))
    assert found.pop("undecided") == 1
    assert found.pop("same_features") == (1 if "tot" in name else 1 / 4 if name == "sugarcrepe" else 0)
    assert set(found.values()) == {0.0}


def test_pairs_that_are_not_stated_are_refused_before_anything_is_loaded(tmp_path):
    asked = winoground()
    problem = asked.problem
    every = Problem(problem.candidates, problem.queries, problem.relevant, groups=problem.groups)
    checkpoint = two_by_two(BOTH)
    with pytest.raises(Unsupported, match="text_score reads items and the pairs that each asks about"):
        run(replace(asked, problem=every), checkpoint, tmp_path)
    assert checkpoint.loads == 0


def test_a_real_model_is_asked_the_same(real, tmp_path):
    names = ("red circle", "blue square", "seven", "dog", "cat", "house", "red circle", "cat")
    problem = winoground().problem
    asked = replace(winoground(), problem=replace(problem, queries=words(*names)))
    result = run(asked, real, tmp_path)
    model = loaded(real)
    with torch.inference_mode():
        pixels = torch.stack([model.preprocess(each.image()) for each in problem.images.examples])
        texts = [Text(name) for name in names]
        scores = model.score(model.encode_images(pixels), model.encode_texts(texts, batch_size=8)).numpy()
    kept, _ = stored_prediction(plan_job(real, asked, SETTINGS), tmp_path)
    pairs = problem.asked.pairs
    expected = scores[pairs.candidates, pairs.queries]
    assert kept["pair_scores"] == pytest.approx(expected, rel=1e-4, abs=1e-5)
    table = np.full((8, 8), np.nan)
    table[pairs.candidates, pairs.queries] = kept["pair_scores"]
    s, items = table, (0, 2, 4, 6)
    text = [s[i, i] > s[i, i + 1] and s[i + 1, i + 1] > s[i + 1, i] for i in items]
    image = [s[i, i] > s[i + 1, i] and s[i + 1, i + 1] > s[i, i + 1] for i in items]
    both = [a and b for a, b in zip(text, image, strict=True)]
    found = values(result)
    assert [found[name] for name in WINOGROUND] == [sum(each) / 4 for each in (text, image, both)]
    assert found["same_features"] == 0  # two items have a text of another item


def test_a_scoring_sees_which_texts_are_one_to_a_model_and_which_it_cuts(tiny_clip, tmp_path):
    long = "a red circle " * 60
    names = ("red circle", "blue square", "red circle", long, f"{long} and a dog", "house", "seven", "cat")
    asked = replace(winoground(), problem=replace(winoground().problem, queries=words(*names)))
    seen = {}

    def keep(blocks, problem):
        seen.update(texts=blocks.alike("queries"), images=blocks.alike("candidates"), cut=blocks.cut())
        return keep_asked_pairs(blocks, problem)

    asked = replace(asked, scoring=replace(asked.scoring, run=keep))
    run(asked, tiny_clip, tmp_path)
    assert seen["texts"].tolist() == [0, 1, 0, 3, 3, 5, 6, 7]
    assert seen["images"].tolist() == list(range(8))
    assert seen["cut"].tolist() == [False, False, False, True, True, False, False, False]
