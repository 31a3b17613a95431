import numpy as np
import pytest
from scipy import stats

from vlbench.core.relevance import Relevance
from vlbench.metrics import intervals
from vlbench.metrics.intervals import (
    Interval,
    Spread,
    bootstrap_median,
    class_spread,
    class_weights,
    jackknife_spread,
    score_interval,
    share_spread,
    wilson,
)

NONE = Interval()


def ends(interval):
    return interval["ci_low"], interval["ci_high"]


@pytest.mark.parametrize(
    ("successes", "trials"), [(0, 1), (1, 1), (3, 10), (0, 50), (50, 50), (41_234, 50_000)]
)
def test_wilson_equals_scipy(successes, trials):
    expected = stats.binomtest(successes, trials).proportion_ci(method="wilson")
    assert ends(wilson(successes / trials, trials)) == pytest.approx((expected.low, expected.high), abs=1e-12)


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
    assert found["ci_method"] == "said"
    low, high = ends(found)
    assert low == pytest.approx(0.5 - 1.959964 * (0.25 / n) ** 0.5 / (1 + 1.959964**2 / n) ** 0.5)
    assert low == pytest.approx(1 - high)
    assert low < expected.low


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_variance_of_0_at_either_end_is_no_certainty(value):
    found = score_interval(value, Spread(np.zeros(40), 40, 1e9), "")
    assert ends(found) == pytest.approx(ends(wilson(value, 40)), abs=1e-9)


@pytest.mark.parametrize(("images", "freedom"), [(0, 5), (1, 0)])
def test_without_a_degree_of_freedom_there_is_no_interval(images, freedom):
    assert score_interval(0.5, Spread(np.zeros(3), images, freedom), "said") == NONE


def test_nothing_to_resample_is_no_interval():
    none = np.zeros(0, dtype=np.int64)
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
    none, every = ends(wilson(0.0, trials)), ends(wilson(1.0, trials))
    assert none[0] == 0 < none[1] < 1
    assert 0 < every[0] < every[1] == 1


def test_classes_of_one_size_have_the_variance_of_a_stratified_sample():
    # two classes of four: each squared residual counts 1 / (4 x 3), the mean of two halves that twice
    factors, freedom, equivalent = class_weights(np.array([4, 4]))
    assert factors**2 == pytest.approx(np.full(2, 1 / (4 * 3) / 4))
    assert equivalent == pytest.approx(8)
    assert freedom == pytest.approx(6)


def test_classes_of_one_image_vary_between_them():
    factors, freedom, equivalent = class_weights(np.ones(10, dtype=np.int64))
    assert factors**2 == pytest.approx(np.full(10, 1 / (10 * 9)))
    assert (freedom, equivalent) == (pytest.approx(9), pytest.approx(10))


def test_a_single_class_of_one_image_borrows_from_the_next_size():
    # alone it has no degree of freedom: its 1 / 9 of the variance is that of the classes of 21 images
    factors = class_weights(np.array([1, 21, 21]))[0]
    assert factors[0] == 0
    assert factors[1:] ** 2 == pytest.approx(np.full(2, (2 / 21 / 9 + 1 / 9) / 40))


def test_a_size_takes_as_much_as_it_lacks():
    # six classes of one image have 5 degrees of freedom and take 10 from the 20 of the class of 21
    factors = class_weights(np.array([*[1] * 6, 21]))[0]
    assert factors[0] ** 2 == pytest.approx(6 / 49 * 5 / 15 / 5)
    assert factors[6] ** 2 == pytest.approx((1 / 21 / 49 + 6 / 49 * 10 / 15) / 20)


def test_one_image_in_all_has_no_variance_to_tell():
    factors, freedom, _ = class_weights(np.array([1]))
    assert (factors.tolist(), freedom) == ([0.0], 0.0)


@pytest.mark.slow
def test_the_variance_is_right_on_average_with_classes_of_one_image():
    generator = np.random.default_rng(0)
    sizes = np.array([40, 20, 5, 2, *[1] * 8])
    classes = np.repeat(np.arange(sizes.size), sizes)
    truth = Relevance(np.arange(classes.size), classes, (classes.size, sizes.size))
    pairs = truth.candidates, truth.queries
    means, variances = [], []
    for _ in range(4000):
        right = generator.random(classes.size) < 0.7
        shares = np.bincount(classes, weights=right) / sizes
        influence = (right - shares[classes]) / sizes[classes]
        means.append(shares.mean())
        variances.append(class_spread(truth, *pairs, influence, values=shares).variance)
    assert np.mean(variances) == pytest.approx(np.var(means), rel=0.06)


def test_images_of_several_tags_vary_together():
    # both tags are true of the same two images: what they add is added before it is squared
    truth = Relevance(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), (2, 2))
    pairs = truth.candidates, truth.queries
    influence = np.array([0.25, 0.25, -0.25, -0.25])  # either tag is found on image 0 alone
    found = class_spread(truth, *pairs, influence, values=np.array([0.5, 0.5]))
    assert found.variance == pytest.approx(0.25)  # that of one mean of 1 and 0
    assert found.images == 2
