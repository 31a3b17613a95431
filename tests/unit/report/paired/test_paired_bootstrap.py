from functools import partial

import numpy as np
import pytest

from vlbench.core.relevance import Relevance
from vlbench.metrics.average_precision import average_precision, resampled_precision
from vlbench.metrics.columns import pairs_of
from vlbench.metrics.eleven_points import elevater_11_point, resampled_eleven_points
from vlbench.report.paired import paired_bootstrap
from vlbench.report.paired.paired_bootstrap import (
    map_differences,
    resampled_weights,
)

ap_differences = partial(map_differences, precision=resampled_precision)


@pytest.fixture
def tagged():
    generator = np.random.default_rng(5)
    relevant = generator.random((50, 6)) < [0.3, 0.2, 0.1, 0.04, 0.02, 0.0]
    relevant[7] = False
    a, b = ((generator.normal(size=relevant.shape) + relevant).astype(np.float32) for _ in range(2))
    return np.round(a, 1), b, relevant  # many of A's scores are tied


def of_one_tag(scores, relevant):
    return average_precision(scores[:, None], relevant[:, None])[0]


def naive(scores, relevant, value=of_one_tag):
    tags = np.flatnonzero(relevant.any(axis=0))
    return np.mean([value(scores[:, tag], relevant[:, tag]) for tag in tags])


def test_every_resample_is_the_map_of_the_images_it_drew(tagged, monkeypatch):
    a, b, relevant = tagged
    monkeypatch.setattr(paired_bootstrap, "_LEVELS", 8)  # several groups of tags
    monkeypatch.setattr(paired_bootstrap, "_WEIGHTS", 350)  # several slices of resamples
    found = ap_differences(a, b, pairs_of(relevant), seed=3, resamples=40)
    generator = np.random.default_rng(3)
    drawn = [generator.integers(50, size=50) for _ in range(40)]
    # tags that lost their positives are left out of both: naive() sees the same truth for A and B
    expected = [naive(b[i], relevant[i]) - naive(a[i], relevant[i]) for i in drawn]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert any(not relevant[i, 4].any() for i in drawn)


def test_the_11_point_map_is_resampled_by_the_metrics_own_definition(tagged):
    a, b, relevant = tagged
    found = ap_differences(a, b, pairs_of(relevant), seed=3, resamples=40, precision=resampled_eleven_points)
    generator = np.random.default_rng(3)
    drawn = [generator.integers(50, size=50) for _ in range(40)]
    sides = [[naive(each[i], relevant[i], elevater_11_point) for i in drawn] for each in (a, b)]
    np.testing.assert_allclose(found, np.subtract(sides[1], sides[0]), atol=1e-6)


@pytest.mark.parametrize("precision", [resampled_precision, resampled_eleven_points])
def test_a_pair_without_a_score_is_in_no_ranking(tagged, precision):
    a, b, relevant = tagged
    unknown = ~relevant & (np.random.default_rng(8).random(relevant.shape) < 0.3)
    own = of_one_tag if precision is resampled_precision else elevater_11_point
    a, b = (np.where(unknown, np.nan, scores).astype(np.float32) for scores in (a, b))
    found = map_differences(a, b, pairs_of(relevant), seed=3, resamples=40, precision=precision)
    generator = np.random.default_rng(3)
    for difference in found:
        drawn = generator.integers(50, size=50)
        sides = []
        for scores in (a, b):
            known = [(scores[drawn, j], relevant[drawn, j]) for j in range(6)]
            kept = [(own_scores, right) for own_scores, right in known if right.any()]
            values = [own(each[~np.isnan(each)], right[~np.isnan(each)]) for each, right in kept]
            sides.append(np.mean(values))
        assert difference == pytest.approx(sides[1] - sides[0], abs=1e-6)


def test_draws_depend_on_the_seed_alone(tagged, monkeypatch):
    a, b, relevant = tagged
    whole = ap_differences(a, b, pairs_of(relevant), seed=1)
    assert (whole == ap_differences(a, b, pairs_of(relevant), seed=1)).all()
    assert (whole != ap_differences(a, b, pairs_of(relevant), seed=2)).any()
    assert whole.size == 1000
    monkeypatch.setattr(paired_bootstrap, "_WEIGHTS", 777)
    np.testing.assert_allclose(whole, ap_differences(a, b, pairs_of(relevant), seed=1), atol=1e-6)


def test_a_resample_weighs_n_images():
    spans, weights = zip(*resampled_weights(9, seed=0, resamples=30), strict=True)
    assert [(each.start, each.stop) for each in spans] == [(0, 30)]
    assert (weights[0].sum(axis=0) == 9).all()


def test_a_model_differs_in_nothing_from_itself(tagged):
    a, _, relevant = tagged
    assert not ap_differences(a, a.copy(), pairs_of(relevant), seed=0, resamples=50).any()


def test_without_positives_nothing_is_measured():
    empty = Relevance.from_pairs(np.array([], int), np.array([], int), (4, 2))
    scores = np.zeros((4, 2), np.float32)
    assert np.isnan(ap_differences(scores, scores, empty, seed=0, resamples=5)).all()
