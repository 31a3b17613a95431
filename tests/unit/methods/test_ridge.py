import numpy as np
import pytest
from sklearn.linear_model import Ridge

from vlbench.core.errors import Unsupported
from vlbench.core.relevance import Relevance
from vlbench.methods.ridge import ridge, solve
from vlbench.methods.support import accuracy, permuted


def pairs(labels, classes):
    return Relevance.from_pairs(np.arange(len(labels)), labels, (len(labels), classes))


@pytest.mark.parametrize("shots", [1, 4, 10])
@pytest.mark.parametrize("l2", [1, 2**10, 2**20])
def test_big_vision_scores_alike(probe, splits, shots, l2):
    (vectors, labels), (tested, right) = splits["train"], splits["test"]
    case = f"big_vision/{shots}shot_seed0_l2_{l2}"
    chosen = permuted(labels, shots, 0)
    found = solve(vectors[chosen], pairs(labels[chosen], 8), l2).score(tested)
    assert found == pytest.approx(probe[f"{case}/test_scores_float64"], abs=1e-6)
    assert accuracy(found, right) == pytest.approx(probe[f"{case}/acc"], abs=1e-6)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("shots", [1, 2, 4, 5, 10])
def test_big_vision_is_as_often_right(probe, splits, lesson, shots, seed):
    tested, right = splits["test"]
    head = ridge(shots=shots).fit(lesson(seed=seed, train=splits["train"]))
    stated = probe[f"big_vision/{shots}shot_seed{seed}_l2_1024/acc"]
    assert accuracy(head.score(tested), right) == pytest.approx(stated, abs=1e-6)


@pytest.mark.parametrize("n", [5, 40])  # fewer images than numbers, and more
def test_it_is_scikit_learns_ridge_on_standardised_vectors(made, n):
    vectors, labels = made(n, d=16)
    standard = (vectors - vectors.mean(axis=0, dtype=np.float64)) / (
        vectors.std(axis=0, dtype=np.float64) + 1e-5
    )
    rows = np.hstack([standard, np.full((n, 1), 100.0)])
    targets = 2.0 * np.eye(4)[labels] - 1
    expected = rows @ Ridge(alpha=7.0, fit_intercept=False, solver="cholesky").fit(rows, targets).coef_.T
    assert solve(vectors, pairs(labels, 4), 7.0).score(vectors) == pytest.approx(expected, abs=1e-5)


def test_tags_are_learned_each_by_itself(made):
    vectors, labels = made(60)
    right = np.zeros((60, 4), dtype=bool)
    right[np.arange(60), labels] = right[np.arange(60), (labels + 1) % 4] = True
    both = Relevance.from_pairs(*np.nonzero(right), right.shape)
    found = solve(vectors, both, 1.0).score(vectors)
    for tag in range(4):
        alone = Relevance.from_pairs(*np.nonzero(right[:, [tag]]), (60, 1))
        assert found[:, [tag]] == pytest.approx(solve(vectors, alone, 1.0).score(vectors), abs=1e-6)


def test_equal_vectors_tell_nothing():
    right = pairs(np.array([0, 1, 0, 1]), 2)
    found = solve(np.full((4, 3), 0.1, dtype=np.float32), right, 1.0)
    assert found.score(np.full((2, 3), 0.1, dtype=np.float32)).tolist() == [[0, 0], [0, 0]]


def test_no_penalty_is_refused():
    with pytest.raises(Unsupported, match="ridge needs a penalty above 0, not l2=0"):
        ridge(l2=0.0)


def test_its_closed_form_by_hand():
    # standardised: (1, -1) is a, (-1, 1) is b; Z'Z = [[2, -2], [-2, 2]] = Z'T, so W = Z'T / (4 + l2)
    vectors = np.array([[2, 0], [1, 1]], dtype=np.float32)
    found = solve(vectors, pairs(np.array([0, 1]), 2), 1.0).score(
        np.array([[3, 1], [2, 2]], dtype=np.float32)
    )
    # (3, 1) becomes (3, 1): 2/5 (3 - 1); (2, 2) becomes (1, 3); deviations are 0.5 + 1e-5
    assert found == pytest.approx(np.array([[0.8, -0.8], [-0.8, 0.8]]), abs=1e-4)


def test_the_constant_feature_by_hand():
    # no vector tells anything: 100 * 100 (1 - 2) / (100 * 100 * 3 + l2) of the class with one of three images
    found = solve(np.ones((3, 2), dtype=np.float32), pairs(np.array([0, 1, 1]), 2), 10_000.0)
    assert found.score(np.ones((1, 2), dtype=np.float32)) == pytest.approx(np.array([[-0.25, 0.25]]))
