"""A limit is a number or a fraction, whatever type says so."""

import numpy as np
import pytest

from vlbench.core.limit import limit_of, limited


@pytest.mark.parametrize(
    ("given", "read"),
    [("1", 1), (np.int64(8), 8), ("0.5", 0.5), (np.float64(0.25), 0.25), ("1e-1", 0.1), (" 8 ", 8)],
)
def test_a_number_counts_images_and_a_fraction_takes_a_part(given: object, read: float) -> None:
    assert limit_of(given) == read
    assert limited(limit_of(given), 1000) == (read if isinstance(read, int) else 1000 * read)


def test_a_fraction_takes_one_of_some_and_none_of_none() -> None:
    assert [limited(0.001, count) for count in (0, 1, 10, 2000)] == [0, 1, 1, 2]
