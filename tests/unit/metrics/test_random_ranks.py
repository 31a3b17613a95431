from itertools import permutations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from vlbench.core.measurement import MetricOptions
from vlbench.core.registry import METRICS
from vlbench.metrics.random_ranks import mean_precision, median_by_chance, within_by_chance

OPTIONS = MetricOptions()


def test_found_among_k_by_hand(problem_of):
    problem = problem_of([[1, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]])
    # of 5 texts 2 are right: not among 2 with 3/5 x 2/4; of 1: with 4/5 x 3/4
    assert within_by_chance("candidates", 2, problem, OPTIONS) == pytest.approx(1 - (3 / 10 + 3 / 5) / 2)
    # of 3 images one is right for three texts, and 2 have none
    assert within_by_chance("queries", None, problem, MetricOptions(at=2)) == pytest.approx(2 / 3)


@pytest.mark.parametrize("right", [1, 2, 3, 5])
def test_average_precision_is_the_mean_over_all_orders(right):
    truth = np.arange(5) < right
    found = {tuple(truth[list(order)]) for order in permutations(range(5))}  # each as often as any other
    mean = np.mean([average_precision_score(order, -np.arange(5)) for order in found])
    assert mean_precision(5, np.array([right])) == pytest.approx([mean])


def test_a_median_is_the_mean_over_all_ranks_of_all_queries(problem_of):
    # ranks among 3: of one right text 1, 2 or 3, of two 1 (2/3) or 2 (1/3); the median of two is their mean
    problem = problem_of([[1, 0, 0], [0, 1, 1]])
    assert median_by_chance("candidates", problem, OPTIONS) == pytest.approx((2 + 4 / 3) / 2)


def test_a_median_among_many_is_in_the_middle(problem_of):
    # one right of 1,000 each: as often above 500.5 as below
    assert median_by_chance("candidates", problem_of(np.eye(1000)[:25]), OPTIONS) == pytest.approx(500.5)
    assert median_by_chance("queries", problem_of(np.eye(1000)[:, :24]), OPTIONS) == pytest.approx(500.5)


def test_levels_are_empty_where_nothing_is_right(problem_of):
    problem = problem_of(np.zeros((3, 2), dtype=int))
    for name in METRICS.names():
        metric = METRICS.get(name)
        if "pair_scores" not in metric.reads and not name.startswith(("roc", "ram")):
            options = MetricOptions(at=1 if metric.needs_at else None)
            found = [level and level(problem, options) for level in (metric.chance, metric.constant)]
            assert found == [None, None], name
