"""Exact search: it is brute force, ties go to the first rows, blocks change nothing."""

import numpy as np
import pytest

from vlbench.core.errors import DataError
from vlbench.pairs import nearest as search
from vlbench.pairs.nearest import nearest
from vlbench.pairs.rows import Rows


def made(count, width, seed=0):
    return np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32)


def brute_force(queries, rows, k):
    """Places and cosines in float64; of equal cosines the first row comes first."""
    queries, rows = (each.astype(np.float64) for each in (queries, rows))
    queries, rows = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (queries, rows))
    cosines = queries @ rows.T
    places = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    return places, np.take_along_axis(cosines, places, axis=1)


def test_it_is_brute_force_in_double_precision_but_for_equal_cosines():
    queries, rows = made(40, 64), made(5000, 64, seed=1)
    found = nearest(queries, Rows("rows", (rows[:1234], rows[1234:].astype(np.float32))), 20)
    places, cosines = brute_force(queries, rows, 20)
    assert np.abs(found.cosines - cosines).max() < 1e-6
    apart = np.abs(np.diff(cosines, axis=1)) > 1e-6
    certain = np.pad(apart, ((0, 0), (1, 0)), constant_values=True)[:, :-1] & apart
    assert np.array_equal(found.places[:, :-1][certain], places[:, :-1][certain])
    assert certain.mean() > 0.99


@pytest.mark.parametrize("block", [3, 7, 64])
def test_of_equal_rows_the_first_are_taken_whatever_the_blocks(block, monkeypatch):
    monkeypatch.setattr(search, "ROWS", block)
    monkeypatch.setattr(search, "QUERIES", 2)
    rows = np.repeat(made(8, 16), 5, axis=0)[np.random.default_rng(2).permutation(40)]
    found = nearest(rows[:6], Rows("rows", (rows,)), 7)
    for query, places in zip(rows[:6], found.places, strict=True):
        same = np.flatnonzero((rows == query).all(axis=1))
        assert places[:5].tolist() == same.tolist()
        assert places[5] < places[6]  # the first two of the next five equal rows


def test_fewer_rows_than_wanted_are_all_found():
    assert nearest(made(2, 4), Rows("rows", (made(3, 4, 1),)), 50).places.shape == (2, 3)
    assert nearest(made(2, 4), Rows("none", ()), 50).places.shape == (2, 0)


def test_a_vector_without_direction_and_another_width_are_refused():
    rows = made(5, 4)
    rows[3] = 0
    with pytest.raises(DataError, match=r"^pool: vector 13 is zero, NaN or infinite"):
        nearest(made(2, 4), Rows("pool", (made(10, 4), rows)), 2)
    with pytest.raises(
        DataError, match=r"^pool: vectors of 4 numbers, and the model's have 8; name the model"
    ):
        nearest(made(2, 8), Rows("pool", (rows,)), 2)
