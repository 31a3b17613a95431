from itertools import product
from math import comb

import numpy as np
import pytest
from scipy import stats

from vlbench.report.paired.paired_tests import (
    exact_mcnemar,
    holm,
    interval_of_paired_shares,
    mid_p_mcnemar,
    normal_p,
    paired_error,
    paired_interval,
    sign_flip_p,
)


def by_counting(a_only, b_only):
    """Both p-values from every way in which the discordant images could have fallen."""
    n = a_only + b_only
    chance = [comb(n, k) / 2**n for k in range(n + 1)]
    as_likely = [abs(2 * k - n) > abs(a_only - b_only) for k in range(n + 1)]
    equal = [abs(2 * k - n) == abs(a_only - b_only) for k in range(n + 1)]
    more = sum(p for p, far in zip(chance, as_likely, strict=True) if far)
    same = sum(p for p, far in zip(chance, equal, strict=True) if far)
    return more + same, more + same / 2


@pytest.mark.parametrize(("a_only", "b_only"), [(0, 1), (0, 5), (2, 8), (8, 2), (7, 6), (30, 51)])
def test_both_p_values_equal_those_by_counting(a_only, b_only):
    exact, mid = by_counting(a_only, b_only)
    assert float(exact_mcnemar(a_only, b_only)) == pytest.approx(exact, rel=1e-10)
    assert float(mid_p_mcnemar(a_only, b_only)) == pytest.approx(mid, rel=1e-10)
    whole = stats.binomtest(min(a_only, b_only), a_only + b_only).pvalue
    assert float(exact_mcnemar(a_only, b_only)) == pytest.approx(whole, rel=1e-10)


def test_models_that_are_as_often_alone_are_not_told_apart():
    counts = np.array([0, 1, 7, 5000])
    assert exact_mcnemar(counts, counts).tolist() == [1, 1, 1, 1]
    np.testing.assert_allclose(mid_p_mcnemar(counts, counts), 1, rtol=1e-12)


def test_arrays_are_tested_pair_by_pair_and_far_tails_stay_finite():
    p = mid_p_mcnemar([2, 10_000], [8, 20_000])
    assert p[0] == pytest.approx(0.0654296875)
    assert 0 <= p[1] < 1e-300


@pytest.mark.parametrize(("a_only", "b_only"), [(0.05, 0.05), (0.1, 0.25), (0.02, 0.3)])
def test_the_interval_covers_the_truth_in_95_percent_of_all_samples(a_only, b_only):
    # every sample of 40 images, weighed by its multinomial probability
    n, covered = 40, 0.0
    chances = [a_only, b_only, 1 - a_only - b_only]
    for b, c in product(range(n + 1), repeat=2):
        if b + c <= n:
            ends = interval_of_paired_shares(b, c, n)
            if ends[0] <= b_only - a_only <= ends[1]:
                covered += stats.multinomial.pmf([b, c, n - b - c], n, chances)
    assert 0.94 < covered < 0.985


def test_an_interval_by_hand():
    # 12 + 1/2 and 2 + 1/2 of 52: difference 10/52, variance (15/52 - (10/52)^2) / 52
    ends = interval_of_paired_shares(2, 12, 50)
    half = 1.959964 * ((15 / 52 - (10 / 52) ** 2) / 52) ** 0.5
    assert ends == pytest.approx((10 / 52 - half, 10 / 52 + half), abs=1e-6)
    assert interval_of_paired_shares(12, 2, 50)[0] == pytest.approx(-ends[1])


@pytest.mark.parametrize("number", [12, 15])  # tried out, and approximated
def test_random_signs_equal_all_signs_tried_out(number):
    generator = np.random.default_rng(0)
    signs = np.array(list(product([-1.0, 1.0], repeat=number)))
    for _ in range(20):
        gains = generator.exponential(size=number) * generator.choice([-1, 1], number, p=[0.3, 0.7])
        sums = np.abs(signs @ gains)
        far = abs(gains.sum())
        exact = np.mean(sums > far + 1e-9) + 0.5 * np.mean(np.abs(sums - far) < 1e-9)
        assert sign_flip_p(gains) == pytest.approx(exact, abs=1e-12 if number == 12 else 0.015, rel=0)
        assert sign_flip_p(-gains * 1e6) == pytest.approx(sign_flip_p(gains))


@pytest.mark.parametrize(("a_only", "b_only"), [(0, 5), (2, 8), (7, 6), (30, 51), (300, 390), (0, 3000)])
def test_random_signs_of_hits_are_mcnemars_test(a_only, b_only):
    gains = np.repeat([-1.0, 1.0, 0.0], [a_only, b_only, 40])
    assert sign_flip_p(gains) == pytest.approx(float(mid_p_mcnemar(a_only, b_only)), rel=0.03, abs=1e-300)


def test_random_signs_of_two_weights_by_hand():
    # of the sums of 4, 1 and 1 two of eight are as far from 0 as 6, four as far as 4
    assert sign_flip_p(np.array([4.0, 1.0, 1.0])) == 1 / 8
    assert sign_flip_p(np.array([4.0, 1.0, -1.0])) == 1 / 4 + 1 / 4


def test_no_p_is_0():
    assert sign_flip_p(np.ones(5000)) > 0
    assert float(mid_p_mcnemar(0, 5000)) > 0
    assert float(normal_p(1.0, 1e-9, images=5000)) > 0


def test_an_error_by_hand_takes_no_class_mean_off():
    # gains of 2 and 0 of images that could gain 2 and 1/2: off by 1 and -1/4 where half of it is expected
    gains, most = np.array([2.0, 0.0]), np.array([2.0, 0.5])
    assert paired_error(gains, most, difference=0.0) == 1
    assert paired_error(gains, most, difference=0.5) == pytest.approx((1 + 1 / 16) ** 0.5 / 2)


def test_a_paired_interval_by_hand():
    # of 20 images 2 of weight 3 and 18 of weight 1: (18 + 18)^2 / (162 + 18) - 1 = 6.2 degrees of freedom
    most = np.repeat([3.0, 1.0], [2, 18])
    gains = np.where(np.arange(20) < 1, 3.0, 0.0)  # one of the heavy ones: 3 / 20
    ends = paired_interval(gains, most, difference=0.15, fractions=True)
    squares = (3 - 0.45) ** 2 + 0.45**2 + 18 * 0.15**2
    error = (squares * 20 / 19 + 36 / 20) ** 0.5 / 20
    assert ends[1] - 0.15 == pytest.approx(stats.t.ppf(0.975, 6.2) * error, rel=4e-3)


def test_normal_p_is_that_of_the_normal_distribution_down_to_a_sign_test():
    differences, errors = np.array([0.1, -0.1, 0.0, 0.0]), np.array([0.05, 0.04, 0.1, 0.0])
    expected = [*2 * stats.norm.sf([2.0, 2.5]), 1.0, 1.0]
    assert normal_p(differences, errors, images=500).tolist() == pytest.approx(expected)
    assert float(normal_p(0.3, 0.0, images=1)) == 1.0
    assert float(normal_p(0.3, 0.0, images=5)) == 2 * 0.5**5


def test_holm_equals_the_step_down_rule_done_by_hand():
    # 0.001 x 4, 0.02 x 3, 0.04 x 2, 0.5 x 1; each at least the one before it
    assert holm([0.02, 0.001, None, 0.5, 0.04]) == pytest.approx([0.06, 0.004, None, 0.5, 0.08])
    assert holm([0.4, 0.4, 0.9]) == [1.0, 1.0, 1.0]
    assert holm([None]) == [None]
    assert holm([0.01, 0.011]) == [0.02, 0.02]
