import numpy as np
import pytest

from vlbench.cards.method import asked_method
from vlbench.core.errors import Unsupported
from vlbench.methods.mieb_probe import first_shuffled, mieb_probe
from vlbench.methods.support import accuracy


@pytest.mark.parametrize("shots", [4, 8])
@pytest.mark.parametrize("experiment", range(5))
def test_images_and_accuracies_are_mtebs(probe, splits, lesson, shots, experiment):
    stated = probe[f"mteb/spl{shots}/exp{experiment}/indices"]
    assert first_shuffled(splits["train"][1], shots, experiment).tolist() == stated.tolist()
    head = mieb_probe(shots=shots).fit(lesson(seed=experiment, train=splits["train"]))
    vectors, labels = splits["test"]
    scores = head.score(vectors)
    assert accuracy(scores, labels) == probe[f"mteb/spl{shots}/accuracy_per_experiment"][experiment]
    if experiment == 0:
        assert scores.argmax(axis=1).tolist() == probe[f"mteb/spl{shots}/exp0/pred"].tolist()
    assert head.learned["images"] == 8 * shots
    assert 1 <= head.learned["iterations"] <= 100


def test_of_two_classes_the_difference_is_scikit_learns(lesson, made):
    from sklearn.linear_model import LogisticRegression

    vectors, labels = made(40, classes=2)
    found = mieb_probe().fit(lesson(train=(vectors, labels), classes=2)).score(vectors)
    drawn = first_shuffled(labels, 16, 0)
    peer = LogisticRegression(max_iter=100, random_state=42).fit(vectors[drawn], labels[drawn])
    assert found[:, 1] - found[:, 0] == pytest.approx(peer.decision_function(vectors), abs=1e-5)


def test_a_hundred_iterations_end_it_and_nothing_warns(lesson, made):
    vectors, labels = made(64, d=64, spread=3.0)
    head = mieb_probe().fit(lesson(train=(1000 * vectors, labels), classes=4))
    assert head.learned["iterations"] <= 100
    assert np.isfinite(head.score(vectors)).all()


def test_one_class_alone_is_always_right(lesson, made):
    vectors, _ = made(16)
    scores = mieb_probe().fit(lesson(train=(vectors, [0] * 16), classes=1)).score(vectors)
    assert accuracy(scores, np.zeros(16, dtype=np.int64)) == 1


def test_one_shot_is_learned(lesson, made):
    vectors, labels = made(40, spread=0.1)
    head = mieb_probe(shots=1).fit(lesson(train=(vectors, labels), classes=4))
    assert accuracy(head.score(vectors), labels) > 0.9


def test_sixteen_of_each_class_are_the_default(lesson, made):
    assert mieb_probe().seeded
    assert asked_method("mieb-probe").mark() == asked_method("mieb-probe:shots=16").mark() == "+mieb-probe@16"
    assert mieb_probe().fit(lesson(train=made(200), classes=4)).learned["images"] == 64
    with pytest.raises(Unsupported, match="'class 0' has 10 training images in pictures, and 16 of"):
        mieb_probe().suits({"train": lesson(train=made(40), classes=4).splits["train"].problem})
