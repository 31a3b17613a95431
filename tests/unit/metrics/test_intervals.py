import numpy as np
import pytest
from scipy import stats

from vlbench.metrics import intervals
from vlbench.metrics.class_weights import Spread
from vlbench.metrics.intervals import (
    Interval,
    bootstrap_median,
    jackknife_spread,
    score_interval,
    share_spread,
    wilson,
)

NONE = Interval(None, None, "")


def ends(interval):
    return interval.low, interval.high


@pytest.mark.parametrize(
    ("successes", "trials"), [(0, 1), (1, 1), (3, 10), (0, 50), (50, 50), (41_234, 50_000)]
)
def test_wilson_equals_scipy(successes, trials):
    expected = stats.binomtest(successes, trials).proportion_ci(method="wilson")
    assert ends(wilson(successes, trials)) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_a_share_varies_as_scipys_bootstrap_over_images_says():
    generator = np.random.default_rng(0)
    sizes = generator.integers(1, 6, size=80)
    hits = generator.binomial(sizes, 0.7)
    expected = stats.bootstrap(
        (hits, sizes),
        lambda hits, sizes, axis: hits.sum(axis=axis) / sizes.sum(axis=axis),
        paired=True,
        method="percentile",
        n_resamples=4000,
        rng=np.random.default_rng(1),
    )
    assert share_spread(hits, sizes).variance ** 0.5 == pytest.approx(expected.standard_error, rel=0.05)


def test_median_equals_scipys_bootstrap():
    values = np.random.default_rng(3).permutation(np.arange(100, 301))
    expected = stats.bootstrap(
        (values,), np.median, method="percentile", n_resamples=4000, rng=np.random.default_rng(4)
    )
    interval = expected.confidence_interval
    found = ends(bootstrap_median(values, np.arange(201), seed=5))
    assert found == pytest.approx((interval.low, interval.high), abs=0.3 * expected.standard_error)


def test_median_of_one_resample_by_brute_force(monkeypatch):
    monkeypatch.setattr(intervals, "RESAMPLES", 1)
    generator = np.random.default_rng(6)
    for seed in range(20):  # even and odd sizes, images with several values
        values, images = generator.integers(1, 30, size=25), generator.integers(0, 9, size=25)
        owned = np.unique(images)
        drawn = np.random.default_rng(seed).integers(owned.size, size=owned.size)
        resampled = np.concatenate([values[images == owned[image]] for image in drawn])
        median = float(np.median(resampled))
        assert ends(bootstrap_median(values, images, seed=seed)) == (median, median)


def test_the_spread_of_replicates_of_a_mean_is_its_standard_error():
    values = np.array([0.1, 0.5, 0.4, 0.8, 0.2])
    replicates = (values.sum() - values) / 4
    found = jackknife_spread(replicates, images=3)
    assert found.variance == pytest.approx(values.var(ddof=1) / 5)
    assert (found.images, found.freedom) == (3, 4)
    assert jackknife_spread(np.array([0.5]), images=1) is None
    assert jackknife_spread(np.array([0.5, np.nan, 0.4]), images=3) is None


def test_the_score_interval_by_hand():
    # variance 0.02 where 20 independent images have 0.0125: with an image more the effect is 9 / 6
    spread = Spread(np.array([0.1, 0.1]), 20, 1e9)
    n = 20 / ((0.02 * 400 + 1) / (0.25 * 20 + 1))
    expected = stats.binomtest(round(3 * n), round(6 * n)).proportion_ci(method="wilson")
    found = score_interval(0.5, spread, "said")
    assert found.method == "said"
    assert found.low == pytest.approx(0.5 - 1.959964 * (0.25 / n) ** 0.5 / (1 + 1.959964**2 / n) ** 0.5)
    assert ends(found) == pytest.approx((1 - found.high, found.high))
    assert found.low < expected.low


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_variance_of_0_at_either_end_is_no_certainty(value):
    found = score_interval(value, Spread(np.zeros(40), 40, 1e9), "")
    assert ends(found) == pytest.approx(ends(wilson(int(40 * value), 40)), abs=1e-9)


@pytest.mark.parametrize(("images", "freedom"), [(0, 5), (1, 0)])
def test_without_a_degree_of_freedom_there_is_no_interval(images, freedom):
    assert score_interval(0.5, Spread(np.zeros(3), images, freedom), "said") == NONE


def test_nothing_to_resample_is_no_interval():
    none = np.zeros(0, dtype=np.int64)
    assert wilson(0, 0) == NONE
    assert score_interval(0.0, share_spread(none, none), "") == NONE
    assert bootstrap_median(none, none, seed=0) == NONE


def test_five_images_hold_no_median_for_certain():
    # all five on one side of the median: 2 in 32 draws
    values = np.arange(12)
    assert bootstrap_median(values[:5], np.arange(5), seed=0) == NONE
    assert bootstrap_median(values, np.arange(12) % 5, seed=0) == NONE
    assert bootstrap_median(values[:6], np.arange(6), seed=0) != NONE


@pytest.mark.parametrize("trials", [1, 7, 40, 640])
def test_wilsons_interval_holds_the_share_where_all_or_none_succeed(trials):
    none, every = wilson(0, trials), wilson(trials, trials)
    assert none.low == 0 < none.high < 1
    assert 0 < every.low < every.high == 1
