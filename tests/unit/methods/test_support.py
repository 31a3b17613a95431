from functools import partial

import numpy as np
import pytest
from miniatures.hand import pairs_of, pictures, words

from vlbench.core.errors import DataError, Unsupported
from vlbench.core.method import Lesson, Split
from vlbench.core.problem import Asked, Problem
from vlbench.core.registry import METHODS
from vlbench.fitting.few_shot import sample
from vlbench.methods.support import accuracy, permuted, sampled, support_of, unit

BLOCKED = ["knn", "logistic", "ridge", "tip-adapter"]
"""Those that go through images block by block."""
PROBES = ["elevater-probe", *BLOCKED, "linear-probe", "mieb-probe"]


@pytest.mark.parametrize("shots", [1, 2, 4, 5, 10])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_big_vision_draws_the_same_images(probe, shots, seed):
    labels = probe["data/train_y"]
    assert (
        permuted(labels, shots, seed).tolist() == probe[f"big_vision/{shots}shot_seed{seed}/indices"].tolist()
    )


@pytest.mark.parametrize("seed", [0, 1])
def test_tip_adapter_draws_the_images_of_coop(seed):
    labels = np.random.default_rng(3).permutation(np.arange(60) % 5)
    assert sampled(labels, 7, seed).tolist() == sample(labels.tolist(), 7, seed)


@pytest.mark.parametrize("draw", [permuted, sampled])
def test_so_many_of_each_class_are_drawn_none_twice(draw):
    labels = np.random.default_rng(5).permutation(np.arange(40) % 4)
    chosen = draw(labels, 6, 1)
    assert len(set(chosen.tolist())) == 24
    assert np.bincount(labels[chosen]).tolist() == [6, 6, 6, 6]
    assert chosen.tolist() != draw(labels, 6, 2).tolist()


def test_without_shots_all_images_are_taken_in_their_order(lesson, made):
    vectors, labels = made(12)
    found = support_of(lesson(train=(vectors, labels), classes=4), None, permuted)
    assert (found.vectors.tolist(), found.labels.tolist()) == (vectors.tolist(), labels.tolist())


def problems(asked):
    return {name: split.problem for name, split in asked.splits.items()}


@pytest.mark.parametrize("name", PROBES)
def test_a_class_with_fewer_images_than_shots_is_named(name, lesson, made):
    vectors, _ = made(5)
    asked = problems(lesson(train=(vectors, [0, 0, 0, 1, 1]), classes=3))
    with pytest.raises(Unsupported, match=f"{name}: 'class 1' has 2 training images in pictures, and 3 of"):
        METHODS.get(name)(shots=3).suits(asked)
    METHODS.get(name)(shots=2, **({"k": 4} if name == "knn" else {})).suits(asked)


@pytest.mark.parametrize("name", PROBES)
def test_no_image_at_all_is_refused(name, lesson):
    asked = problems(lesson(train=(np.empty((0, 8), dtype=np.float32), []), classes=3))
    with pytest.raises(Unsupported, match=f"{name}: pictures holds no image to learn from"):
        METHODS.get(name)().suits(asked)


@pytest.mark.parametrize("name", [name for name in PROBES if name != "elevater-probe"])
@pytest.mark.parametrize("nowhere", [0, 2, 4])
def test_a_class_without_images_changes_no_other_and_only_words_could_choose_it(name, nowhere, lesson, made):
    (vectors, labels), (tested, _) = made(48), made(30, seed=1)
    others = [place for place in range(5) if place != nowhere]
    rows = np.eye(5, 8, dtype=np.float32)
    asked = lesson(train=(vectors, np.array(others)[labels]), rows=rows, classes=5)
    method = METHODS.get(name)(**({"shots": 9} if name == "mieb-probe" else {}))
    head = method.fit(asked)
    alone = method.fit(lesson(train=(vectors, labels), rows=rows[others], classes=4))
    found = head.score(tested)
    assert found[:, others] == pytest.approx(alone.score(tested), rel=1e-5, abs=1e-5)
    assert np.isfinite(found).all()
    by_words = "queries" in METHODS.get(name)().reads
    assert by_words or (found[:, nowhere] < found[:, others].max(axis=1)).all()
    assert head.learned["classes_without_images"] == 1
    assert "classes_without_images" not in alone.learned


@pytest.mark.parametrize("name", PROBES)
@pytest.mark.parametrize("shots", [0, -1])
def test_less_than_one_shot_is_refused(name, shots):
    with pytest.raises(Unsupported, match=f"{name} learns from 1 shot or more, not from {shots}"):
        METHODS.get(name)(shots=shots)


def tags(asked=None):
    problem = Problem(pictures(3), words("a", "b"), pairs_of([(0, 0), (0, 1), (1, 0), (2, 1)], (3, 2)), asked)
    split = Split(
        problem, partial(np.asarray, np.eye(3, dtype=np.float32)), partial(pytest.fail, "reads scores")
    )
    return Lesson({"train": split}, partial(np.asarray, np.eye(2, 3, dtype=np.float32)))


@pytest.mark.parametrize(
    "made_of", [*((name, {}) for name in PROBES if name != "ridge"), ("ridge", {"shots": 1})]
)
def test_images_of_several_tags_are_refused_where_one_class_is_learned(made_of):
    name, settings = made_of
    with pytest.raises(Unsupported, match=f"{name} learns from images of one class each, and p0 has 2"):
        METHODS.get(name)(**settings).suits(problems(tags()))


@pytest.mark.parametrize("name", PROBES)
def test_unknown_pairs_are_no_wrong_ones(name):
    with pytest.raises(Unsupported, match=f"{name} learns from all pairs of an image and a text"):
        METHODS.get(name)().suits(problems(tags(Asked("but", pairs_of([(1, 1)], (3, 2))))))


def test_a_zero_vector_stays_as_it_is():
    assert unit(np.array([[3.0, 4.0], [0.0, 0.0]], dtype=np.float32)).tolist() == [
        [np.float32(0.6), np.float32(0.8)],
        [0, 0],
    ]


@pytest.mark.parametrize("size", [1e30, np.nan])
def test_vectors_without_a_length_are_refused(size):
    with pytest.raises(DataError, match="vectors have no length that float32 can hold; look at the model"):
        unit(np.array([[1, 1], [size, size]], dtype=np.float32))


def test_a_tie_is_not_right():
    assert accuracy(np.zeros((3, 2)), np.array([0, 1, 0])) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", PROBES)
def test_vectors_of_classes_are_learned_and_shuffled_classes_are_not(name, lesson, made):
    classes = 4
    (vectors, labels), (tested, right) = made(400, spread=0.5), made(2000, spread=0.5, seed=1)
    means = np.stack([vectors[labels == label].mean(axis=0) for label in range(classes)])
    method = METHODS.get(name)(**({"shots": 20} if name == "elevater-probe" else {}))  # for speed
    head = method.fit(lesson(train=(vectors, labels), rows=means, classes=classes))
    assert accuracy(head.score(tested), right) > 0.9
    found = []
    for seed in range(20):
        shuffled = np.random.default_rng(seed).permutation(labels)
        asked = lesson(train=(vectors, shuffled), rows=np.zeros_like(means), classes=classes)
        found.append(accuracy(method.fit(asked).score(tested), right))
    assert np.mean(found) == pytest.approx(1 / classes, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROBES)
def test_shots_hang_on_the_seed_alone(name, lesson, made):
    vectors, labels = made(80)
    method = METHODS.get(name)(shots=2, **({"k": 3} if name == "knn" else {}))
    assert method.seeded
    found = [
        method.fit(
            lesson(seed=seed, train=(vectors, labels), rows=np.eye(4, 8, dtype=np.float32), classes=4)
        ).score(vectors)
        for seed in (1, 1, 2)
    ]
    assert (found[0] == found[1]).all()
    assert (found[0] != found[2]).any()


@pytest.mark.parametrize("name", BLOCKED)
def test_blocks_change_no_decision(name, lesson, made, monkeypatch):
    vectors, labels = made(80)
    asked = lesson(train=(vectors, labels), rows=np.eye(4, 8, dtype=np.float32), classes=4)
    whole = METHODS.get(name)().fit(asked).score(vectors)
    monkeypatch.setattr("vlbench.methods.support.BLOCK_BYTES", 3000)
    assert METHODS.get(name)().fit(asked).score(vectors) == pytest.approx(whole, rel=1e-4, abs=1e-4)
