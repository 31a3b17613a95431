import numpy as np
import pytest
from scipy import stats

from vlbench.metrics import intervals
from vlbench.metrics.intervals import (
    Interval,
    bootstrap_mean_of_shares,
    bootstrap_median,
    bootstrap_share,
    infinitesimal_jackknife,
    jackknife,
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


def test_share_equals_scipys_bootstrap_over_images():
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
    interval = expected.confidence_interval
    found = ends(bootstrap_share(hits, sizes, seed=2))
    assert found == pytest.approx((interval.low, interval.high), abs=0.3 * expected.standard_error)


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


def test_mean_of_shares_equals_resampling_within_classes():
    sizes, hits = np.array([30, 8, 0, 50]), np.array([21, 6, 0, 20])
    generator = np.random.default_rng(7)
    means = np.zeros(4000)
    for size, right in zip(sizes[sizes > 0], hits[sizes > 0], strict=True):
        images = np.arange(size) < right
        means += images[generator.integers(size, size=(4000, size))].mean(axis=1) / 3
    expected = np.percentile(means, [2.5, 97.5])
    found = ends(bootstrap_mean_of_shares(hits, sizes, seed=8))
    assert found == pytest.approx(tuple(expected), abs=0.3 * means.std())


def test_chunks_change_nothing(monkeypatch):
    generator = np.random.default_rng(9)
    sizes = generator.integers(1, 40, size=70)
    hits = generator.binomial(sizes, 0.4)
    whole = bootstrap_share(hits, sizes, seed=1), bootstrap_mean_of_shares(hits, sizes, seed=1)
    monkeypatch.setattr(intervals, "MAX_DRAWS", 500)
    assert (bootstrap_share(hits, sizes, seed=1), bootstrap_mean_of_shares(hits, sizes, seed=1)) == whole


def test_jackknife_of_a_mean_is_its_standard_error():
    values = np.array([0.1, 0.5, 0.4, 0.8, 0.2])
    replicates = (values.sum() - values) / 4
    found = jackknife(0.4, replicates)
    half = stats.norm.ppf(0.975) * values.std(ddof=1) / 5**0.5
    assert ends(found) == pytest.approx((0.4 - half, 0.4 + half), abs=1e-12)
    found = infinitesimal_jackknife(0.4, (values - 0.4) / 5)
    half = stats.norm.ppf(0.975) * values.std() / 5**0.5
    assert ends(found) == pytest.approx((0.4 - half, 0.4 + half), abs=1e-12)


def test_fractions_stay_fractions():
    assert ends(jackknife(0.9, np.array([0.0, 1.0]))) == (0.0, 1.0)
    assert ends(infinitesimal_jackknife(0.1, np.array([1.0, -1.0]))) == (0.0, 1.0)


def test_nothing_to_resample_is_no_interval():
    none = np.zeros(0, dtype=np.int64)
    assert wilson(0, 0) == NONE
    assert bootstrap_share(none, none, seed=0) == NONE
    assert bootstrap_mean_of_shares(np.zeros(2, int), np.zeros(2, int), seed=0) == NONE
    assert bootstrap_median(none, none, seed=0) == NONE
    assert jackknife(0.5, np.array([0.5])) == NONE
    assert jackknife(0.5, np.array([0.5, np.nan, 0.4])) == NONE
    assert infinitesimal_jackknife(0.5, np.zeros(1)) == NONE


@pytest.mark.parametrize("trials", [1, 7, 40, 640])
def test_wilsons_interval_holds_the_share_where_all_or_none_succeed(trials):
    none, every = wilson(0, trials), wilson(trials, trials)
    assert none.low == 0 < none.high < 1
    assert 0 < every.low < every.high == 1
