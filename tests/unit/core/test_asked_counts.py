"""How many candidates a query is asked of, and how many queries a candidate is asked about."""

import numpy as np
import pytest
from score_table import table_problem

RIGHT = np.array([[1, 0, 0], [0, 0, 0]], dtype=bool)
STATED = np.array([[1, 1, 0], [0, 1, 0]], dtype=bool)


@pytest.mark.parametrize(
    ("asked", "how", "rows", "columns"),
    [
        (None, "", 3, 2),
        (STATED, "only", [2, 1], [1, 2, 0]),
        (~STATED, "but", [2, 1], [1, 2, 0]),
    ],
)
def test_counts_of_what_is_asked(asked, how, rows, columns):
    problem = table_problem(RIGHT, asked, how)
    assert np.array_equal(problem.asked_counts("candidates"), rows)
    assert np.array_equal(problem.asked_counts("queries"), columns)
