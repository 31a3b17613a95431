"""Methods that learn from images: closed forms by hand, on splits that are not tested; double groups."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from miniatures.hand import (
    SETTINGS,
    HandCheckpoint,
    HandModel,
    alike,
    by_scores,
    by_vectors,
    loaded,
    pairs_of,
    pictures,
    run,
    task,
    values,
    words,
)
from miniatures.probes import chosen_ridge, ridge

from vlbench.core.capabilities import IMAGES_ALONE, VECTORS
from vlbench.core.errors import NotFinite, PluginError, Unsupported
from vlbench.core.method import Head
from vlbench.core.metric_name import metrics_of
from vlbench.core.problem import Groups, Problem
from vlbench.core.registry import SCORINGS
from vlbench.engine.plan import plan_job
from vlbench.engine.stored import stored_prediction

ROWS = [[2.0, 0], [1, 1], [2, 1], [3, 1], [2, 1], [1, 3]]
"""Training: pictures 0 (a) and 1 (b); validation: 2 (a); test: 3 (a), 4 (b), 5 (a)."""
CLASSES = {"a": (1.0, 0.0), "b": (0.0, 1.0)}
MODEL = by_vectors(ROWS, CLASSES)


def split(first, *classes):
    """Pictures `first` and on, each of a class 0 or 1."""
    right = pairs_of(list(enumerate(classes)), (len(classes), 2))
    return Problem(pictures(len(classes), first=first), words(*CLASSES), right)


def probed(*names):
    splits = {"train": split(0, 0, 1), "validation": split(2, 0)}
    learn_from = {name: splits[name] for name in names}
    return task("probed", split(3, 0, 1, 0), "row_ranks", metrics_of(("acc1",)), learn_from)


def test_ridge_is_its_closed_form(tmp_path):
    asked, method = probed("train"), ridge(1)
    result = run(asked, MODEL, tmp_path, method)
    # X'X + I = [[6, 1], [1, 2]], X'Y = [[2, 1], [0, 1]], so W = [[4, 1], [-2, 5]] / 11
    prediction, _ = stored_prediction(plan_job(MODEL, asked, SETTINGS, method=method), tmp_path)
    # (3, 1): 10, 8; (2, 1): 6, 7; (1, 3): -2, 16, of which the first is right
    assert prediction["right_scores"] == pytest.approx([10 / 11, 7 / 11, -2 / 11])
    assert prediction["row_ranks"].tolist() == [1, 1, 2]
    assert result.score == 2 / 3
    assert result.model == f"hand{method.mark(0)}"
    assert result.method.startswith("ridge~")


def test_zero_shot_by_hand(tmp_path):
    # dot products with (1, 0) and (0, 1): 3 > 1 right; 2 > 1 wrong; 1 < 3 wrong
    result = run(probed(), MODEL, tmp_path)
    assert (result.score, result.method, result.model) == (1 / 3, "", "hand")


def test_a_strength_is_chosen_on_validation_and_fitted_again_on_both(tmp_path):
    asked, method = probed("train", "validation"), chosen_ridge((1, 100))
    # of strength 1, (2, 1) scores 6 and 7: wrong. Of 100: W = [[202, 100], [-2, 104]] / 10604: 402, 304
    result = run(asked, MODEL, tmp_path, method)
    # of 100 on both: X'X + 100 I = [[109, 3], [3, 102]] and X'Y = [[4, 1], [1, 1]],
    # so W = [[405, 99], [97, 106]] / 11109
    prediction, _ = stored_prediction(plan_job(MODEL, asked, SETTINGS, method=method), tmp_path)
    assert prediction["right_scores"] == pytest.approx(
        [(3 * 405 + 97) / 11109, (2 * 99 + 106) / 11109, (405 + 3 * 97) / 11109]
    )
    assert prediction["row_ranks"].tolist() == [1, 2, 1]  # of training alone, the last would be wrong
    assert result.score == 2 / 3


def test_a_split_that_the_task_has_not_is_refused_before_anything_is_loaded(tmp_path):
    checkpoint = by_vectors(ROWS, CLASSES)
    with pytest.raises(Unsupported, match="chosen-ridge learns from a validation split"):
        run(probed("train"), checkpoint, tmp_path, chosen_ridge((1, 100)))
    assert checkpoint.loads == 0


def test_each_split_is_encoded_once_for_all_methods(tmp_path):
    checkpoint = by_vectors(ROWS, CLASSES)
    asked = probed("train", "validation")
    for method in (ridge(1), ridge(2), chosen_ridge((1, 100))):
        run(asked, checkpoint, tmp_path, method)
    assert len(checkpoint.model.seen) == 3  # a batch of each split
    assert checkpoint.model.texts_seen == []


@dataclass
class Imageless(HandModel):
    """A model of images alone."""

    def encode_texts(self, texts, *, batch_size):
        raise NotImplementedError

    def score(self, images, texts):
        raise NotImplementedError


def images_alone(rows=ROWS):
    model = Imageless(rows=by_vectors(rows).model.rows)
    return HandCheckpoint(model, capabilities=frozenset({VECTORS, IMAGES_ALONE}))


@pytest.mark.parametrize("copies", [1, 20])
def test_a_model_of_images_alone_is_probed(copies, tmp_path):
    """Also where images are so many that a dry pass comes first elsewhere."""
    asked = probed("train")
    many = split(3, *(0, 1, 0) * copies)
    asked = replace(asked, problem=many)
    rows = ROWS[:3] + ROWS[3:] * copies
    assert run(asked, images_alone(rows), tmp_path, ridge(1)).score == pytest.approx(2 / 3)


def test_a_model_of_images_alone_is_asked_no_words(tmp_path):
    checkpoint = images_alone()
    with pytest.raises(Unsupported, match="hand reads images alone, and probed asks by words"):
        run(probed("train"), checkpoint, tmp_path)
    assert checkpoint.loads == 0


def test_a_method_that_asks_for_words_has_to_say_so(tmp_path):
    def fit(lesson):
        rows = lesson.words()
        return Head(score=lambda vectors: vectors @ rows.T)

    likeness = replace(ridge(1), fit=fit, learns_from=frozenset())
    with pytest.raises(PluginError, match="asks for words and says it reads none"):
        run(probed(), MODEL, tmp_path, likeness)
    said = replace(likeness, reads=frozenset({"candidates", "queries"}))
    assert run(probed(), MODEL, tmp_path, said).score == run(probed(), MODEL, tmp_path).score


@dataclass
class Tagger(HandModel):
    """A model with thresholds of its own."""

    def tag_thresholds(self, texts):
        return [0.5] * len(texts)


def test_thresholds_of_a_models_own_scores_are_not_those_of_a_methods(tmp_path):
    checkpoint = HandCheckpoint(Tagger(rows=MODEL.model.rows, words=MODEL.model.words))
    asked = replace(probed("train"), scoring=SCORINGS.get("matrix"), metrics=metrics_of(("macro_f1",)))
    asked = replace(asked, primary="macro_f1")
    assert run(asked, checkpoint, tmp_path).score is not None
    assert run(asked, checkpoint, tmp_path, ridge(1)).score is None
    stated = replace(asked, thresholds=(0.5, 0.5))
    with pytest.raises(Unsupported, match="in the unit of a model's own scores, and ridge makes others"):
        run(stated, checkpoint, tmp_path, ridge(1))


def test_a_constant_model_is_never_right(tmp_path):
    assert run(probed("train"), alike(MODEL), tmp_path, ridge(1)).score == 0.0


def test_a_method_that_makes_nan_is_refused(tmp_path):
    broken = replace(ridge(1), fit=lambda lesson: Head(score=lambda rows: rows * np.nan))
    with pytest.raises(NotFinite, match="a method made NaN"):
        run(probed("train"), MODEL, tmp_path, broken)


def faces():
    """Eight faces of two classes, each of a race and of a gender; of the last nobody knows the gender."""
    right = [(i, i % 2) for i in range(8)]
    problem = Problem(
        candidates=pictures(8),
        queries=words("man", "woman"),
        relevant=pairs_of(right, (8, 2)),
        groups={
            "race": Groups("candidates", ("x", "x", "x", "y", "y", "y", "y", "y")),
            "gender": Groups("candidates", ("m", "f", "m", "f", "m", "f", "m", "")),
        },
    )
    return task("faces", problem, "row_ranks", metrics_of(("worst_group_accuracy", "acc1")))


def test_faces_are_grouped_twice(tmp_path):
    # right are 0, 1, 2 (x), 4, 6, 7 (y); 3 is wrong and 5 a tie
    man = (1, 0, 1, 1, 1, 1, 1, 0)
    woman = (0, 1, 0, 0, 0, 1, 0, 1)
    result = run(faces(), by_scores({"man": man, "woman": woman}), tmp_path)
    worst = result.metric("worst_group_accuracy")
    parts = {part.name: (part.value, part.n) for part in worst.parts}
    assert parts == {
        "race: x": (3 / 3, 3),
        "race: y": (3 / 5, 5),
        "gender: m": (4 / 4, 4),
        "gender: f": (1 / 3, 3),
    }
    assert (worst.value, worst.n, worst.left_out) == (1 / 3, 4, 0)
    assert result.metric("acc1").value == 6 / 8


def test_faces_are_nothing_to_a_constant_model(tmp_path):
    constant = by_scores({"man": [1] * 8, "woman": [1] * 8})
    assert set(values(run(faces(), constant, tmp_path)).values()) == {0.0}


def test_a_real_model_is_probed(tiny_clip, tmp_path):
    import torch

    asked, method = probed("train"), ridge(1)
    result = run(asked, tiny_clip, tmp_path, method)
    model = loaded(tiny_clip)
    with torch.inference_mode():
        pixels = torch.stack([model.preprocess(each.image()) for each in pictures(6).examples])
        vectors = model.vectors(model.encode_images(pixels)).numpy().astype(np.float64)
    train = vectors[:2]
    weights = np.linalg.solve(train.T @ train + np.eye(train.shape[1]), train.T @ np.eye(2))
    scores = vectors[3:] @ weights
    right = scores[range(3), (0, 1, 0)]
    prediction, _ = stored_prediction(plan_job(tiny_clip, asked, SETTINGS, method=method), tmp_path)
    assert prediction["right_scores"] == pytest.approx(right, rel=1e-4)
    assert result.score == np.mean(right > scores[range(3), (1, 0, 1)])
