"""Which pairs a question is about, said by as few as can be."""

import numpy as np
import pytest

from vlbench.core.problem import Asked
from vlbench.core.relevance import Relevance


def pairs(dense):
    array = np.array(dense, dtype=bool).reshape(-1, 2)
    return Relevance.from_pairs(*np.nonzero(array), array.shape)


@pytest.mark.parametrize(
    ("known", "how"),
    [
        ([[1, 1], [1, 0], [1, 1]], "but"),
        ([[1, 0], [0, 0], [0, 1]], "only"),
        ([[1, 0], [1, 0], [0, 1]], "but"),  # as many either way
        ([[0, 0], [0, 0], [0, 0]], "only"),
    ],
)
def test_one_question_is_one_value_however_it_is_stated(known, how):
    one, other = Asked.of("only", pairs(known)), Asked.of("but", pairs(1 - np.array(known)))
    assert one is not None
    assert other is not None
    assert (one.how, one.pairs.digest) == (other.how, other.pairs.digest)
    assert one.how == how
    columns = [np.flatnonzero(column).tolist() for column in np.array(known).T]
    assert [each.tolist() for each in one.by_query] == columns


@pytest.mark.parametrize("shape", [(3, 2), (0, 2), (3, 0)])
def test_all_pairs_are_asked_where_none_is_left_out(shape):
    none = np.zeros(0, dtype=np.int64)
    assert Asked.of("but", Relevance.from_pairs(none, none, shape)) is None
    assert Asked.of("only", Relevance.from_pairs(none, none, shape).others) is None
