from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.errors import CardError
from vlbench.core.measurement import MetricOptions, Part
from vlbench.core.problem import Groups
from vlbench.metrics.worst_group import worst_group_accuracy

OPTIONS = MetricOptions()


def of_groups(problem_of, ranks, groups, options=OPTIONS):
    ways = {} if groups is None else groups if isinstance(groups, dict) else {"group": groups}
    stated = {name: Groups("candidates", labels) for name, labels in ways.items()}
    problem = replace(problem_of(np.eye(len(ranks), dtype=bool)), groups=stated)
    return worst_group_accuracy(
        Prediction(ScoreUnit("cosine"), {"row_ranks": np.array(ranks)}), problem, options
    )


def test_the_worst_group_decides(problem_of):
    found = of_groups(problem_of, [1, 2, 1, 1, 6, 0], ("asia", "asia", "africa", "africa", "africa", "asia"))
    assert (found.value, found.n, found.left_out) == (0.5, 2, 1)
    assert found.parts == (Part("africa", 2 / 3, 3), Part("asia", 0.5, 2))
    exact = stats.binomtest(1, 2).proportion_ci(method="wilson")
    assert (found.ci_low, found.ci_high) == pytest.approx((exact.low, exact.high), abs=1e-12)


def test_five_guesses_and_images_without_a_group(problem_of):
    found = of_groups(problem_of, [1, 2, 1, 1, 6, 4], ("a", "a", "b", "", "b", "b"), MetricOptions(at=5))
    assert (found.value, found.n, found.left_out) == (2 / 3, 2, 1)
    with pytest.raises(CardError, match="worst_group_accuracy needs a whole number"):
        of_groups(problem_of, [1, 1], ("a", "b"), MetricOptions(at=1.5))


def test_images_that_are_grouped_in_two_ways_have_the_worst_group_of_both(problem_of):
    groups = {"race": ("a", "a", "b", "b"), "gender": ("f", "m", "f", "")}
    found = of_groups(problem_of, [1, 2, 1, 1], groups)
    assert (found.value, found.n, found.left_out) == (0.0, 4, 0)
    assert found.parts == (
        Part("race: a", 0.5, 2),
        Part("race: b", 1.0, 2),
        Part("gender: f", 1.0, 2),
        Part("gender: m", 0.0, 1),
    )


def test_within_as_many_as_there_are_classes_nothing_is_of_groups(problem_of):
    assert of_groups(problem_of, [5, 1, 1, 1, 1], ("a",) * 5, MetricOptions(at=5)).value is None
    assert of_groups(problem_of, [5, 1, 1, 1, 1], ("a",) * 5, MetricOptions(at=4)).value == 0.8


@pytest.mark.parametrize("groups", [None, ("", "")])
def test_without_groups_nothing_is_of_groups(problem_of, groups):
    assert of_groups(problem_of, [1, 1], groups).value is None
