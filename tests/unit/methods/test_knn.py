import numpy as np
import pytest

from vlbench.core.errors import Unsupported
from vlbench.methods.knn import Neighbours, knn
from vlbench.methods.support import Support, unit


@pytest.mark.parametrize("k", [1, 5, 10, 20])
def test_dino_is_as_often_right(probe, splits, lesson, k):
    tested = np.concatenate([splits["val"][0], splits["test"][0]])
    right = np.concatenate([splits["val"][1], splits["test"][1]])
    found = knn(k=k).fit(lesson(train=splits["train"])).score(tested).argmax(axis=1)
    stated = probe[f"knn_dino/k{k}/top1_top5_percent_120"][0]
    assert 100 * np.mean(found == right) == pytest.approx(stated, abs=1e-4)


def test_votes_by_hand():
    rows = np.array([[1, 0], [0.6, 0.8], [0, 1], [-1, 0]], dtype=np.float32)
    found = Neighbours(Support(rows, np.array([0, 1, 1, 0]), 2), 3, 0.5).score(np.array([[2, 0]], np.float32))
    votes = np.exp(np.array([1, 0.6, 0]) / 0.5)
    assert np.exp(found[0]) == pytest.approx([votes[0] / votes.sum(), votes[1:].sum() / votes.sum()])


def test_of_equal_neighbours_the_first_vote():
    # four alike, of which two vote: those at places 1 and 2
    rows = np.array([[0, 1], [1, 0], [1, 0], [1, 0], [1, 0]], dtype=np.float32)
    support = Support(rows, np.array([0, 1, 2, 0, 0]), 3)
    found = np.exp(Neighbours(support, 2, 0.07).score(np.array([[1, 0], [0, 1]], dtype=np.float32)))
    assert found[0] == pytest.approx([0, 0.5, 0.5])
    # the nearest and the first of four
    assert found[1] == pytest.approx([1, np.exp(-1 / 0.07), 0])


@pytest.mark.parametrize("ties", [False, True])
def test_it_is_the_sorted_list_row_by_row(made, ties):
    (vectors, labels), (tested, _) = made(50, d=3), made(40, d=3, seed=1)
    if ties:  # of few values
        vectors, tested = np.eye(3, dtype=np.float32)[[labels % 3, np.arange(40) % 3][0]], np.sign(tested)
    support = Support(unit(vectors), labels, 4)
    found = Neighbours(support, 7, 0.07).score(tested)
    for row, shares in zip(unit(tested) @ support.vectors.T, found, strict=True):
        nearest = sorted(range(len(row)), key=lambda place: (-row[place], place))[:7]
        weights = np.exp(row[nearest].astype(np.float64) / 0.07)
        votes = np.bincount(labels[nearest], weights, minlength=4)
        assert np.exp(shares) == pytest.approx(votes / votes.sum(), rel=1e-5)


def test_a_low_temperature_leaves_numbers(made):
    vectors, labels = made(20)
    found = Neighbours(Support(unit(vectors), labels, 4), 5, 1e-6).score(vectors)
    assert found.argmax(axis=1).tolist() == labels.tolist()
    assert np.isfinite(found).all()


def test_more_neighbours_than_images_are_refused(made, lesson):
    def suits(method, n):
        method.suits({name: split.problem for name, split in lesson(train=made(n), classes=5).splits.items()})

    with pytest.raises(Unsupported, match="knn: k is 20, and there are 12 training images; give k=12 or"):
        suits(knn(), 12)
    with pytest.raises(Unsupported, match="k is 20, and there are 8"):
        suits(knn(shots=2), 40)
    suits(knn(k=8, shots=2), 40)


@pytest.mark.parametrize("settings", [{"k": 0}, {"temperature": 0.0}])
def test_settings_without_sense_are_refused(settings):
    with pytest.raises(Unsupported, match="knn needs k from 1 and a temperature above 0"):
        knn(**settings)
