from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from vlbench.core.errors import DataError
from vlbench.core.items import Items
from vlbench.core.measurement import Measurement, Part
from vlbench.metrics.average_precision import delete_one
from vlbench.metrics.columns import pairs_of
from vlbench.metrics.intervals import pseudo_values
from vlbench.report.paired.comparison import holm_adjusted, paired

N = 200


def metric(name, value, parts=(), **changes):
    return (Measurement(value, N, parts=parts, metric=name, **changes),)


@pytest.fixture
def of_hits(make_result):
    """A result and its items by which of 200 images are right; of four classes in turn."""

    def make(model, right, primary="acc1"):
        ranks = np.where(right, 1, 3)
        parts = tuple(Part(name, 0.5, 50) for name in ("ant", "bee", "cat", "dog"))
        metrics = metric("acc1", float(np.mean(right))) + metric("mean_per_class_recall", 0.5, parts)
        result = make_result(model=model, metrics=metrics, primary=primary)
        return result, Items(image_ranks=ranks, classes=np.arange(N) % 4)

    return make


@pytest.fixture
def of_tags(make_result):
    """A result and its items by scores of three tags."""

    def make(model, scores, relevant, keeps=("scores", "influence")):
        deleted = delete_one(scores, pairs_of(relevant))
        value = float(np.nanmean(deleted.values))
        parts = tuple(
            Part(name, float(ap), int(count))
            for name, ap, count in zip("xyz", deleted.values, relevant.sum(axis=0), strict=True)
        )
        name = "mean_average_precision"
        result = make_result(model=model, primary=name, kind="tagging", metrics=metric(name, value, parts))
        influence = pseudo_values(value, deleted.replicates).astype(np.float32)
        kept = {"influence": influence, "scores": scores}
        return result, Items(**{name: kept[name] for name in keeps}, positives=np.argwhere(relevant))

    return make


@pytest.fixture
def tags():
    generator = np.random.default_rng(1)
    relevant = generator.random((N, 3)) < [0.4, 0.2, 0.1]
    weak, strong = ((generator.normal(size=(N, 3)) + gap * relevant).astype(np.float32) for gap in (1, 3))
    return relevant, weak, strong


def test_hits_are_tested_by_mcnemar_with_the_classes_that_moved(of_hits):
    right_a = np.arange(N) < 100
    right_b = right_a.copy()
    right_b[[0, 1]] = False  # an ant and a bee lost
    right_b[[102, 106, 110, 114, 103, 107, 111, 115]] = True  # four cats and four dogs gained
    found = paired(*of_hits("a", right_a), *of_hits("b", right_b))
    assert (found.value_a, found.value_b, found.difference) == (0.5, 0.53, pytest.approx(0.03))
    test = found.test
    assert (test.a_only, test.b_only, test.n) == (2, 8, N)
    assert test.p == pytest.approx(0.0654296875)
    assert test.exact_p == pytest.approx(0.109375)
    assert test.ci_low < 0 < found.difference < test.ci_high
    assert [(each.name, each.n) for each in found.movers] == [
        *(("cat", 50), ("dog", 50)),
        *(("ant", 50), ("bee", 50)),
    ]
    assert found.movers[0].difference == pytest.approx(0.08)
    assert found.better == ""


def test_the_order_of_the_models_turns_the_sign_and_nothing_else(of_hits, of_tags, tags):
    relevant, weak, strong = tags
    hits = [of_hits("a", np.arange(N) < 100), of_hits("b", np.arange(N) < 150)]
    scores = [of_tags("a", weak, relevant), of_tags("b", strong, relevant)]
    for first, second in (hits, scores):
        there, back = paired(*first, *second), paired(*second, *first)
        assert there.p == pytest.approx(back.p)
        assert there.difference == -back.difference
        assert there.test.ci_low == pytest.approx(-back.test.ci_high)
        assert there.better == back.better == "b"


def test_two_copies_of_a_model_differ_in_nothing(of_hits, of_tags, tags, make_result):
    relevant, weak, _ = tags
    right = np.arange(N) % 3 == 0
    per_class = [of_hits(name, right, primary="mean_per_class_recall") for name in "ab"]
    pairs = [
        [of_hits(name, right) for name in "ab"],
        per_class,
        [of_tags(name, weak, relevant) for name in "ab"],
        [of_tags(name, weak, relevant, keeps=["influence"]) for name in "ab"],
    ]
    for first, second in pairs:
        found = paired(*first, *second)
        assert (found.difference, found.p, found.better, found.movers) == (0, 1, "", ())
        assert found.test.ci_low <= 0 <= found.test.ci_high


def test_map_is_bootstrapped_from_scores_and_without_them_tested_by_signs_and_says_so(of_tags, tags):
    relevant, weak, strong = tags
    full = paired(*of_tags("a", weak, relevant), *of_tags("b", strong, relevant))
    assert full.test.method == "paired bootstrap over images, 1000 resamples"
    assert full.better == "b"
    assert [each.name for each in full.movers]
    lean = paired(*of_tags("a", weak, relevant, keeps=["influence"]), *of_tags("b", strong, relevant))
    assert lean.test.method == "random signs over images"
    widths = [each.test.ci_high - each.test.ci_low for each in (full, lean)]
    assert widths[0] == pytest.approx(widths[1], rel=0.25)
    other_seed = paired(*of_tags("a", weak, relevant), *of_tags("b", strong, relevant), seed=1)
    assert other_seed.test.ci_low != full.test.ci_low


def test_the_interval_of_pseudo_values_is_the_jackknife_of_the_difference_and_an_image_more(of_tags, tags):
    relevant, weak, strong = tags
    found = paired(
        *of_tags("a", weak, relevant, keeps=["influence"]),
        *of_tags("b", strong, relevant, keeps=["influence"]),
    )
    replicates = [delete_one(scores, pairs_of(relevant)).replicates for scores in (weak, strong)]
    gap = replicates[1] - replicates[0]
    error = np.sqrt((N - 1) / N * np.sum((gap - gap.mean()) ** 2))
    half = stats.t.ppf(0.975, N - 1) * np.hypot(error, 1 / N)
    assert found.test.ci_high - found.difference == pytest.approx(half, rel=1e-4)


def test_the_bias_of_pseudo_values_is_no_difference(of_tags, tags):
    relevant, weak, _ = tags
    (a, items), (b, _) = (of_tags(name, weak, relevant, keeps=["influence"]) for name in "ab")
    shifted = replace(items, influence=items.influence + np.float32(0.5))
    assert paired(a, items, b, shifted).p == pytest.approx(1)


def test_equal_average_precisions_are_not_known_to_be_equal(of_tags, tags):
    relevant, weak, _ = tags
    found = paired(*of_tags("a", weak, relevant), *of_tags("b", weak, relevant))
    assert (found.difference, found.p) == (0, 1)
    assert (found.test.ci_low, found.test.ci_high) == pytest.approx((-1.959964 / N, 1.959964 / N))


def test_recall_is_tested_over_images_with_their_captions(make_result):
    owners = np.repeat(np.arange(N), 2)
    owners[-1] = -1  # a caption that is true of no image
    ranks_b = np.where(owners % 2 == 0, 1, 7)
    ranks_b[-1] = 0
    sides = []
    for model, ranks in (("a", np.where(ranks_b == 0, 0, 7)), ("b", ranks_b)):
        name = "image_retrieval_recall@5"
        kept = ranks[ranks > 0]
        result = make_result(model=model, primary=name, metrics=metric(name, float(np.mean(kept <= 5))))
        sides.append((result, Items(np.ones(N, int), None, ranks, owners)))
    found = paired(*sides[0], *sides[1])
    assert found.test.n == N
    # images are all or nothing: as uncertain as 200 hits, not as 400
    half = (found.test.ci_high - found.test.ci_low) / 2
    assert half == pytest.approx(1.96 * (0.25 / N) ** 0.5, rel=0.1)


@pytest.fixture
def of_classes(make_result):
    """A result and its items by which images are right and their classes, on mean per-class recall."""

    def make(model, right, classes):
        name = "mean_per_class_recall"
        shares = np.bincount(classes, weights=right) / np.bincount(classes)
        metrics = metric(name, float(shares.mean()))
        result = make_result(model=model, primary=name, metrics=metrics, n_texts=shares.size)
        return result, Items(image_ranks=np.where(right, 1, 2), classes=classes)

    return make


def test_a_class_of_one_image_is_not_known_exactly(of_classes):
    # B gains three of ten classes of one image: of 8 ways of their signs 2 go as far, which count by half
    classes = np.arange(10)
    found = paired(*of_classes("a", classes >= 3, classes), *of_classes("b", np.ones(10, bool), classes))
    assert found.difference == pytest.approx(0.3)
    assert found.p == pytest.approx(0.125)
    assert found.better == ""
    # seven gains of 0, three of 1, the mean 0.3, and one image more
    error = np.sqrt((7 * 0.09 + 3 * 0.49) / 90 + 1 / 100)
    assert found.test.ci_low == pytest.approx(0.3 - stats.t.ppf(0.975, 9) * error, abs=1e-3)


def test_images_of_rare_classes_weigh_more(of_classes):
    # B gains the one image of a class, 1/2, and loses two of another's four, 1/8 each
    classes = np.array([0, 1, 1, 1, 1])
    right = np.array([False, True, True, True, False])
    found = paired(
        *of_classes("a", right, classes),
        *of_classes("b", np.array([True, True, False, False, False]), classes),
    )
    assert found.difference == pytest.approx(1 / 4)
    # of the signs of 1/2, 1/8 and 1/8 six of eight sums are further from 0 than 1/4, two as far
    assert found.p == 6 / 8 + 1 / 8


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [[1] * 50, [20] * 45 + [1] * 5, [30] * 10 + [1] * 10], ids=len)
def test_equally_good_models_are_rarely_called_different_on_rare_classes(of_classes, sizes):
    generator = np.random.default_rng(0)
    classes = np.repeat(np.arange(len(sizes)), sizes)
    chance = generator.uniform(0.3, 0.9, len(sizes))[classes]
    wrong = 0
    for _ in range(400):
        shared, common = generator.random(classes.size) < 0.4, generator.random(classes.size) < chance
        right = [np.where(shared, common, generator.random(classes.size) < chance) for _ in "ab"]
        found = paired(*of_classes("a", right[0], classes), *of_classes("b", right[1], classes))
        wrong += found.better != ""
    assert 8 <= wrong <= 33  # 5 % are 20, give or take three standard errors


def test_recalls_that_are_all_0_are_not_known_to_be_equal(make_result):
    owners = np.repeat(np.arange(N), 5)
    name = "image_retrieval_recall@1"
    sides = [
        (
            make_result(model=model, primary=name, metrics=metric(name, 0.0)),
            Items(np.ones(N, int), None, np.full(5 * N, 3), owners),
        )
        for model in "ab"
    ]
    found = paired(*sides[0], *sides[1])
    assert (found.p, found.better) == (1, "")
    half = stats.t.ppf(0.975, N - 1) / N
    assert (found.test.ci_low, found.test.ci_high) == pytest.approx((-half, half), rel=1e-4)


def test_a_metric_without_values_of_images_is_not_tested(make_result):
    sides = [
        (make_result(model=name, primary="odd", metrics=metric("odd", 0.5)), Items()) for name in ("a", "b")
    ]
    found = paired(*sides[0], *sides[1])
    assert (found.p, found.better, found.difference) == (None, None, 0)
    assert found.test.method == "not tested: odd keeps no values of images"
    unmeasured = make_result(model="c", primary="odd", metrics=metric("odd", None))
    assert paired(*sides[0], unmeasured, Items()).difference is None


def test_holm_decides_over_all_tested_tasks(of_hits):
    right_b = np.arange(N) < 100
    right_a = right_b.copy()
    right_a[[0, 1, 2, 3, 4, 5, 6]] = False
    one = paired(*of_hits("a", right_a), *of_hits("b", right_b))
    assert one.p == pytest.approx(2**-7)
    assert one.better == "b"
    same = paired(*of_hits("a", right_a), *of_hits("b", right_a))
    adjusted = holm_adjusted([one, *[same] * 6])
    assert adjusted[0].p_holm == pytest.approx(7 * 2**-7)
    assert [each.better for each in adjusted] == [""] * 7


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"partial": "limit 3"}, "the result of b is partial: limit 3"),
        ({"protocol": "val"}, "protocol: held-out, not val"),
        ({"protocol_statement": {"templates": ["{}"]}}, r'templates: \["a {}."\], not \["{}"\]'),
        (
            {"protocol_statement": {"templates": ["a {}."], "data": "1f"}},
            'data: none, not "1f"',
        ),
        ({"protocol_digest": "e" * 32}, "names or ids of the texts: protocol dddddddd, not eeeeeeee"),
        ({"digests": {"image_ids": "f" * 32}}, "image ids: digest none, not ffffffff"),
        ({"digests": {"texts": "f" * 32}}, "texts as they are asked: digest none, not ffffffff"),
        ({"n_relevant": 201}, "true pairs: 200, not 201"),
        ({"source_revision": "2"}, "files of the data: revision 1, not 2"),
        ({"thresholds": (0.5,)}, r"thresholds: \[\], not \[0.5\]"),
    ],
)
def test_what_differs_is_refused_by_name(of_hits, changes, said):
    a, items = of_hits("a", np.ones(N, bool))
    b, _ = of_hits("b", np.ones(N, bool))
    with pytest.raises(DataError, match=f"a and b on shapes cannot be compared: {said}; run both"):
        paired(a, items, replace(b, **changes), items)


def test_other_right_answers_are_refused_by_their_digests(of_hits):
    (a, items), (b, _) = (of_hits(name, np.ones(N, bool)) for name in "ab")
    a, b = (replace(each, digests={"truth": digit * 32}) for each, digit in ((a, "1"), (b, "2")))
    with pytest.raises(DataError, match="right answers of the images: digest 11111111, not 22222222"):
        paired(a, items, b, items)


def test_other_labels_are_refused_and_thresholds_of_a_validation_split_are_each_models_own(of_hits):
    (a, items), (b, _) = (of_hits(name, np.ones(N, bool)) for name in "ab")
    with pytest.raises(DataError, match="labels of the images: the two were run on other annotations"):
        paired(a, items, b, replace(items, classes=items.classes[::-1]))
    nothing = replace(items, image_ranks=np.where(np.arange(N) == 3, 0, items.image_ranks))
    with pytest.raises(DataError, match="images with something right: the two were run on other annotations"):
        paired(a, items, b, nothing)
    with pytest.raises(DataError, match=r"thresholds: \[0.5\], not \[0.6\]"):
        paired(replace(a, thresholds=(0.5,)), items, replace(b, thresholds=(0.6,)), items)


@pytest.mark.parametrize("split", ["validation", "train"])
def test_a_method_is_compared_with_the_model_alone_and_with_what_learned_from_the_same_images(of_hits, split):
    (a, items), (b, _) = (of_hits(name, np.ones(N, bool)) for name in "ab")
    learned, other = ({"method": "probe", "digests": {f"{split}_image_ids": digit * 32}} for digit in "78")
    probed = replace(a, thresholds=(0.5,), **learned)
    # thresholds that are learned are each row's own
    assert paired(probed, items, replace(b, thresholds=(0.6,), **learned), items).p == 1
    assert paired(probed, items, b, items).p == paired(b, items, probed, items).p == 1
    with pytest.raises(DataError, match=r"ids of the \w+ images: digest 77777777, not 88888888"):
        paired(probed, items, replace(b, **other), items)


def test_of_a_metric_that_should_be_low_the_lower_one_is_better_and_differences_exceed_1(make_result):
    generator = np.random.default_rng(0)

    def of_nll(model, mean):
        losses = generator.normal(mean, 0.2, N).astype(np.float32)
        metrics = metric("nll", float(losses.mean()), lower_is_better=True)
        result = make_result(model=model, primary="nll", metrics=metrics)
        return result, Items(influence=losses)

    found = paired(*of_nll("a", 3.5), *of_nll("b", 1.0))
    assert found.test.ci_low < found.difference < found.test.ci_high < -2
    assert found.better == "b"


def test_parts_of_groups_give_no_class_its_name(of_hits):
    groups = tuple(Part(name, 0.5, 100) for name in ("north", "south", "east", "west"))
    result, items = of_hits("a", np.arange(N) < 100)
    result = replace(result, metrics=result.metrics[:1] + metric("worst_group_accuracy", 0.5, groups))
    better = replace(items, image_ranks=np.ones(N, dtype=np.int64))
    found = paired(result, items, replace(result, model="b"), better)
    assert {mover.name for mover in found.movers} == {f"class {i}" for i in range(4)}


def test_a_matching_is_paired_item_by_item_and_counts_items(make_result):
    pairs = np.array([[item, 2 * item + text, item, 1 - text] for item in range(4) for text in range(2)])

    def answered(model, *right):
        scores = np.array([[1, 0] if item in right else [0, 1] for item in range(4)], np.float32).ravel()
        found = metric("text_score", len(right) / 4)
        result = make_result(model=model, primary="text_score", metrics=found, n_images=4, n_texts=8)
        return result, Items(pairs=pairs, pair_scores=scores)

    test = paired(*answered("a", 0, 1, 2), *answered("b", 2, 3)).test
    assert (test.n, test.of, test.a_only, test.b_only) == (4, "items", 2, 1)
