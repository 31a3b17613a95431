import numpy as np
import pytest
from scipy import stats

from vlbench.metrics.binomial import likely_counts, mean_lowest_share, mean_share


@pytest.mark.parametrize(("n", "p"), [(0, 0.3), (7, 0.0), (7, 1.0), (5, 0.3), (58_000, 0.001), (25_000, 0.5)])
def test_likely_counts_have_their_probabilities_and_all_others_almost_none(n, p):
    first, probabilities = likely_counts(n, p)
    counts = first + np.arange(probabilities.size)
    np.testing.assert_allclose(probabilities, stats.binom.pmf(counts, n, p), rtol=1e-8, atol=1e-13)
    assert stats.binom.cdf(first - 1, n, p) + stats.binom.sf(counts[-1], n, p) < 1e-12


def test_the_mean_of_shares_is_a_sum_over_all_counts():
    whole = sum(stats.binom.pmf(z, 9, 0.2) / (3 + 2 * z) for z in range(10))
    assert mean_share(np.array([3.0, 1.0]), 2, 9, 0.2)[0] == pytest.approx(whole, abs=1e-12)


def test_the_lowest_share_of_two_groups_by_hand():
    # of 1 and of 2 tries: 1 and 1/2 with 1/2 x 1/2, 1 and 1 with 1/2 x 1/4, else 0
    assert mean_lowest_share(np.array([1, 2]), 0.5) == pytest.approx(1 / 8 + 1 / 8)
    assert mean_lowest_share(np.array([40] * 1000), 0.001) == pytest.approx(0)
