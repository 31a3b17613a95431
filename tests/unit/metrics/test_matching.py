"""Scores of a matching: models that know nothing, ties, NaN, brute force, items that are alike."""

import warnings
from collections import Counter

import numpy as np
import pytest
from made_items import SHAPES, made, scored

from vlbench.core.errors import CardError, Unsupported
from vlbench.core.items import Items
from vlbench.core.measurement import MetricOptions, Part
from vlbench.core.metric_name import metrics_of, split_metric
from vlbench.core.registry import METRICS
from vlbench.metrics.intervals import wilson

MANY = 4000
CHANCE = {
    "1x2": {"text_score": 1 / 2},
    "2x2": {"text_score": 1 / 4, "image_score": 1 / 4, "group_score": 1 / 6},
    "1x3, two right": {"text_score": 1 / 3},
    "1x4": {"text_score": 1 / 4},
    "1x5": {"text_score": 1 / 5},
    "texts": {"text_score": 1 / 3, "image_score": 1 / 3, "group_score": 1 / 3},
}


def measured(name, prediction, problem):
    (metric,) = metrics_of([name]).values()
    return metric(prediction, problem, MetricOptions(at=split_metric(name)[1]))


def symmetric(problem, scores):
    """Scores of pairs; between texts that of a pair is that of the same two turned round."""
    if problem.candidates != problem.texts:
        return scores
    pairs = problem.asked.pairs
    low = np.minimum(pairs.candidates, pairs.queries) * len(problem.queries)
    _, of = np.unique(low + np.maximum(pairs.candidates, pairs.queries), return_inverse=True)
    return scores[of]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_constant_model_is_never_right_and_undecided_says_why(shape):
    problem = made(shape, 50)
    prediction = scored(problem, np.ones(len(problem.asked.pairs.queries)))
    for name in CHANCE[shape]:
        found = measured(name, prediction, problem)
        assert (found.value, found.n, found.ci_low) == (0.0, 50, 0.0)
        assert found.ci_high > 0
    assert measured("undecided", prediction, problem).value == 1.0
    assert measured("same_features", prediction, problem).value == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("model", ["random", "shuffled"])
def test_a_model_that_knows_nothing_is_at_chance(shape, model):
    problem = made(shape, MANY)
    generator = np.random.default_rng(5)
    scores = generator.normal(size=len(problem.asked.pairs.queries))
    if model == "shuffled":  # a perfect model's scores, each at a pair that it was not given to
        scores += 3 * problem.relevant.holds(problem.asked.pairs)
        generator.shuffle(scores)
    prediction = scored(problem, symmetric(problem, scores))
    for name, chance in CHANCE[shape].items():
        assert measured(name, prediction, problem).value == pytest.approx(chance, abs=0.025)
    assert measured("undecided", prediction, problem).value == 0.0


@pytest.mark.parametrize("shape", SHAPES)
def test_a_model_that_sees_the_place_of_a_text_alone_is_right_only_where_places_tell(shape):
    problem = made(shape, 40)
    texts = SHAPES[shape][1]
    scores = -(problem.asked.pairs.queries % texts).astype(float)
    found = measured("text_score", scored(problem, scores), problem).value
    # of 1x2 and between texts the wrong text is the last; both images of 2x2 prefer the first
    assert found == {"1x2": 1.0, "texts": 1.0}.get(shape, 0.0)
    if shape == "2x2":
        assert measured("image_score", scored(problem, scores), problem).value == 0.0
        assert measured("undecided", scored(problem, scores), problem).value == 1.0


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("levels", [2, 4, 100])
def test_scores_equal_brute_force(shape, levels):
    problem = made(shape, 60, share=2)
    scores = np.random.default_rng(levels).integers(0, levels, len(problem.asked.pairs.queries)).astype(float)
    prediction = scored(problem, scores)
    pairs = problem.asked.pairs
    right = problem.relevant.holds(pairs)
    items = np.array(problem.groups["item"].labels)[pairs.queries]
    both = {}
    for name, owners in (("text_score", pairs.candidates), ("image_score", pairs.queries)):
        if name not in CHANCE[shape]:
            continue
        fine, ties = [], []
        for item in range(60):
            of_item = items == str(item)
            groups = [of_item & (owners == owner) for owner in set(owners[of_item].tolist())]
            duels = [(scores[g & right], scores[g & ~right]) for g in groups]
            duels = [(true, false) for true, false in duels if true.size and false.size]
            fine.append(all(true.min() > false.max() for true, false in duels))
            ties.append(any(true.min() == false.max() for true, false in duels))
        both[name] = np.array(fine), np.array(ties)
        assert measured(name, prediction, problem).value == np.mean(fine)
    if len(both) == 2:
        assert measured("group_score", prediction, problem).value == np.mean(
            both["text_score"][0] & both["image_score"][0]
        )
    decided_by_ties = np.any([ties for _, ties in both.values()], axis=0)
    assert measured("undecided", prediction, problem).value == decided_by_ties.mean()


def test_ties_go_to_the_first_or_last_only_by_name():
    problem = made("2x2", 3)  # right are text 0 of image 0, text 1 of image 1; texts of a pair side by side
    # item 0: all tie; item 1: all are right; item 2: its right pairs tie with its wrong ones at image 1 alone
    scores = np.array([1, 1, 1, 1, 2, 1, 1, 2, 2, 1, 1, 1.0])
    prediction = scored(problem, scores)
    assert measured("text_score", prediction, problem).value == 1 / 3
    assert measured("text_score_first_wins", prediction, problem).value == 1 / 3  # text 1 is not the first
    assert measured("text_score_of_image@1", prediction, problem).value == 2 / 3
    one = made("1x2", 3)  # the first text is the right one
    prediction = scored(one, np.array([1, 1, 2, 1, 1, 2.0]))
    assert measured("text_score", prediction, one).value == 1 / 3
    assert measured("text_score_first_wins", prediction, one).value == 2 / 3
    # of item 0 the statement of the first image ties, of item 1 that of the second, to which ties go
    two = made("2x2", 2)
    prediction = scored(two, np.array([1, 0, 1, 1, 1, 0, 0, 0.0]))
    assert measured("image_score_second_wins", prediction, two).value == 1 / 2
    assert measured("image_score", prediction, two).value == 0.0


@pytest.mark.parametrize("shape", SHAPES)
def test_an_item_with_nan_is_wrong_whatever_the_rule(shape):
    problem = made(shape, 5)
    pairs = problem.asked.pairs
    perfect = problem.relevant.holds(pairs).astype(float)
    names = [*CHANCE[shape], "text_score_first_wins"]
    names += ["image_score_second_wins"] if "image_score" in names else []
    assert {measured(name, scored(problem, perfect), problem).value for name in names} == {1.0}
    of_item = np.flatnonzero(np.array(problem.groups["item"].labels)[pairs.queries] == "2")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for place in of_item.tolist():
            broken = np.where(np.arange(len(perfect)) == place, np.nan, perfect)
            found = {name: measured(name, scored(problem, broken), problem).value for name in names}
            if shape == "texts":  # a pair that is turned round is another one, and no one's NaN
                assert 4 / 5 in found.values()
            else:
                assert found == dict.fromkeys(names, 4 / 5)


def test_macro_scores_drop_small_classes_and_items_of_none():
    labels = [{"class": name} for name in ("a", "a", "a", "b", "", "c", "c")]
    problem = made("1x2", 7, labels=labels)
    scores = np.array([2, 1, 2, 1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 1.0])
    found = measured("macro_text_score", scored(problem, scores), problem)
    assert found.parts == (Part("a", 2 / 3, 3), Part("b", 1.0, 1), Part("c", 0.5, 2))
    assert (found.value, found.n, found.left_out) == (pytest.approx((2 / 3 + 1 + 1 / 2) / 3), 3, 0)
    assert found.ci_low < found.value < found.ci_high
    found = measured("macro_text_score@2", scored(problem, scores), problem)
    assert (found.value, found.n, found.left_out) == (pytest.approx((2 / 3 + 1 / 2) / 2), 2, 1)
    assert found.parts[1] == Part("b", None, 1)
    none = measured("macro_text_score@4", scored(problem, scores), problem)
    assert (none.value, none.n, none.left_out) == (None, 0, 3)


def test_sets_are_right_where_all_of_their_items_are():
    labels = [{"set": name, "pair": name * 2} for name in ("x", "x", "y", "y", "")]
    problem = made("1x2", 5, labels=labels)
    prediction = scored(problem, np.array([2, 1, 1, 1, 2, 1, 2, 1, 2, 1.0]))
    for name in ("set_text_score", "pair_text_score"):
        found = measured(name, prediction, problem)
        assert (found.value, found.n, found.left_out) == (1 / 2, 2, 1)
        assert found.ci_high == wilson(1 / 2, 2)["ci_high"]
        assert measured(f"{name}_first_wins", prediction, problem).value == 1.0


def test_equal_features_count_where_they_should_be_told_apart():
    problem = made("1x3, two right", 4)  # texts 0 and 2 of an item are right
    alike = np.array(
        [0, 1, 0, 3, 3, 5, 6, 7, 8, 9, 10, 0]
    )  # of item 0 two right ones, of item 1 right and wrong
    prediction = scored(problem, np.zeros(12), queries_alike=alike)
    assert measured("same_features", prediction, problem).value == 1 / 4
    images = made("2x2", 4)
    prediction = scored(images, np.zeros(16), candidates_alike=np.array([0, 0, 2, 3, 0, 5, 6, 7]))
    assert measured("same_features", prediction, images).value == 1 / 4
    cut = np.zeros(12, dtype=np.bool_)
    cut[[3, 5, 6]] = True  # two texts of item 1, one of item 2
    assert measured("truncated", scored(problem, np.zeros(12), queries_cut=cut), problem).value == 1 / 2


def test_items_of_one_image_are_alike_to_their_interval():
    generator = np.random.default_rng(2)
    alone, shared = made("1x2", 400), made("1x2", 400, share=4)
    right = generator.random(100).repeat(4) < 0.5  # all items of an image are right or wrong together
    scores = np.stack([right, ~right], axis=1).ravel().astype(float)
    one, four = (measured("text_score", scored(problem, scores), problem) for problem in (alone, shared))
    assert one.value == four.value
    assert (one.ci_low, one.ci_high) == (
        wilson(right.mean(), 400)["ci_low"],
        wilson(right.mean(), 400)["ci_high"],
    )
    assert four.ci_high - four.ci_low == pytest.approx(2 * (one.ci_high - one.ci_low), rel=0.1)
    for problem, found in ((alone, one), (shared, four)):
        assert found.influence.mean() == pytest.approx(found.value)
        error = found.influence.std(ddof=1) / len(problem.candidates) ** 0.5
        assert 2 * 1.96 * error == pytest.approx(found.ci_high - found.ci_low, rel=0.05)


def test_images_that_no_item_counts_by_have_no_part_in_the_value():
    problem = made("2x2", 10)
    assert measured("text_score", scored(problem, np.zeros(40)), problem).influence is None


@pytest.mark.parametrize(
    ("name", "shape", "labels", "message"),
    [
        ("image_score", "1x2", None, "image_score compares images of one text, and no item has a right"),
        ("group_score", "1x4", None, "group_score compares images of one text"),
        ("macro_text_score", "1x2", [{"set": "x"}] * 3, "macro_text_score needs items with a label 'class'"),
        ("set_text_score", "1x2", None, "set_text_score needs items with a label 'set'"),
    ],
)
def test_what_has_nothing_to_decide_is_refused(name, shape, labels, message):
    problem = made(shape, 3, labels=labels)
    with pytest.raises(Unsupported, match=message):
        measured(name, scored(problem, np.zeros(len(problem.asked.pairs.queries))), problem)


def test_a_place_is_a_whole_number_and_there():
    problem = made("2x2", 3)
    prediction = scored(problem, np.zeros(12))
    with pytest.raises(CardError, match="needs a whole number"):
        measured("text_score_of_image", prediction, problem)
    found = measured("text_score_of_image@3", prediction, problem)
    assert (found.value, found.n, found.left_out) == (None, 0, 3)


def test_all_metrics_of_a_matching_are_known_by_name():
    kept = {"pair_scores", "queries_alike", "candidates_alike", "queries_cut"}
    found = Counter(METRICS.get(name).lower_is_better for name in METRICS if METRICS.get(name).reads & kept)
    assert found == {False: 13, True: 3}


@pytest.mark.parametrize(
    "name",
    ["text_score", "image_score", "group_score", "text_score_first_wins", "image_score_second_wins"],
)
def test_what_is_kept_of_items_says_of_each_whether_it_is_right(name):
    problem = made("2x2", 40)
    scores = np.random.default_rng(0).integers(0, 3, len(problem.asked.pairs.candidates)).astype(np.float32)
    prediction = scored(problem, scores)
    kept = Items.of(problem, prediction)
    right = METRICS.get(name).items(kept, None)
    found = measured(name, prediction, problem)
    assert 0 < right.sum() < right.size == found.n == 40
    assert right.mean() == pytest.approx(found.value)
    assert METRICS.get(name).items(Items(), None) is None


def test_items_of_one_image_are_alike_in_what_is_kept_of_them():
    pairs = np.array([[item // 2, 2 * item + text, item, 1 - text] for item in range(4) for text in range(2)])
    kept = Items(pairs=pairs, pair_scores=np.array([1, 0, 1, 0, 1, 0, 0, 1], np.float32))
    read = METRICS.get("text_score").items(kept, None)
    assert (read.values.tolist(), read.most.tolist()) == ([1.0, 0.5], [1.0, 1.0])
