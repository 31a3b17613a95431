import numpy as np
import pytest

from vlbench.core.errors import DataError
from vlbench.core.relevance import Relevance


def relevance(pairs, shape):
    array = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Relevance.from_pairs(array[:, 0], array[:, 1], shape)


def test_pairs_are_sorted_by_image_then_text_and_each_once():
    found = relevance([(2, 0), (0, 1), (2, 0), (0, 0)], (3, 2))
    assert list(zip(found.candidates.tolist(), found.queries.tolist(), strict=True)) == [
        (0, 0),
        (0, 1),
        (2, 0),
    ]


def test_counts_include_images_and_texts_with_nothing():
    found = relevance([(0, 0), (0, 1), (2, 0)], (3, 3))
    assert found.row_counts.tolist() == [2, 0, 1]
    assert found.column_counts.tolist() == [2, 1, 0]


def test_blocks_are_rows_of_the_dense_matrix():
    found = relevance([(0, 1), (1, 0), (3, 2)], (4, 3))
    dense = [[0, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 1]]
    assert found.dense().astype(int).tolist() == dense
    for start in range(5):
        for stop in range(start, 5):
            assert found.block(start, stop).astype(int).tolist() == dense[start:stop]


@pytest.mark.parametrize("pair", [(3, 0), (0, 2), (-1, 0), (0, -1)])
def test_a_pair_outside_the_matrix_is_refused(pair):
    with pytest.raises(DataError, match="3 candidates x 2 queries"):
        relevance([(0, 0), pair], (3, 2))


@pytest.mark.parametrize("shape", [(0, 0), (2, 0), (0, 3)])
def test_nothing_relevant_is_an_empty_matrix(shape):
    found = relevance([], shape)
    assert found.dense().shape == shape
    assert not found.dense().any()


def test_a_digest_tells_pairs_and_shape_whatever_their_order():
    one = relevance([(0, 1), (2, 0)], (3, 2))
    assert one.digest == relevance([(2, 0), (0, 1), (2, 0)], (3, 2)).digest
    others = [relevance([(0, 1), (2, 1)], (3, 2)), relevance([(0, 1), (2, 0)], (3, 3))]
    assert len({one.digest, *(other.digest for other in others)}) == 3
    # equal on every machine
    assert one.digest == "e4fab708373af219a9d934f1acfcbe02"
