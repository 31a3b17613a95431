import pytest

from vlbench.core.measurement import MetricOptions
from vlbench.core.registry import METRICS

OPTIONS = MetricOptions()


def by_chance(name, problem, options=OPTIONS):
    return METRICS.get(name).chance(problem, options)


def of_items(problem_of, right, items, **labels):
    return problem_of(right, items=items, labels=labels)


def test_winogrounds_items_and_those_of_one_image(problem_of):
    problem = of_items(problem_of, [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], "aabb")
    assert by_chance("text_score", problem) == pytest.approx((1 / 4 + 1 / 2) / 2)
    assert by_chance("image_score", problem) == 1 / 4  # of the item with two images
    assert by_chance("group_score", problem) == pytest.approx(1 / 6)
    assert by_chance("text_score_of_image", problem, MetricOptions(at=2)) == 1 / 2


def test_two_right_texts_both_have_to_win_but_where_the_first_is_chosen(problem_of):
    problem = of_items(problem_of, [[1, 1, 0]], "aaa")
    assert by_chance("text_score", problem) == pytest.approx(1 / 3)
    assert by_chance("text_score_first_wins", problem) == pytest.approx(2 / 3)


def test_sets_multiply_and_classes_average(problem_of):
    right = [[1, 0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0]]
    labels = {"set": [*"ppppqqq"], "class": [*"xxyyyyy"]}
    problem = of_items(problem_of, right, "aabbccc", **labels)
    assert by_chance("set_text_score", problem) == pytest.approx((1 / 2 * 1 / 2 + 1 / 3) / 2)
    assert by_chance("macro_text_score", problem) == pytest.approx((1 / 2 + (1 / 2 + 1 / 3) / 2) / 2)
    assert by_chance("macro_text_score", problem, MetricOptions(at=2)) == pytest.approx((1 / 2 + 1 / 3) / 2)


def test_an_item_of_too_many_pairs_has_no_chance_both_ways(problem_of):
    assert by_chance("group_score", of_items(problem_of, [[1] + [0] * 6, [0, 1] + [0] * 5], "a" * 7)) is None
