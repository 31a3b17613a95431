from dataclasses import replace

import numpy as np
import pytest

from vlbench.core.items import Items
from vlbench.core.measurement import Measurement
from vlbench.report.paired.paired_tests import holm, mid_p_mcnemar
from vlbench.report.tables.column_ranks import column_ranks

N = 1000


@pytest.fixture
def column(make_result):
    """Results and items of models by which of the images they get right."""

    def make(**right):
        metrics = {name: (Measurement(float(hits.mean()), N, metric="acc1"),) for name, hits in right.items()}
        results = [make_result(model=name, metrics=metrics[name]) for name in right]
        return results, {name: Items(image_ranks=np.where(hits, 1, 2)) for name, hits in right.items()}

    return make


def first(count):
    return np.arange(N) < count


def test_a_place_is_lost_to_significantly_better_models_alone(column):
    near = first(700)
    near[[0, 1, 2]] = False
    results, items = column(worst=first(300), best=first(700), near=near, middle=first(500))
    assert column_ranks(results, items) == {"best": 1, "near": 1, "middle": 3, "worst": 4}
    assert column_ranks(results[::-1], items) == column_ranks(results, items)


def test_seeds_of_one_row_take_one_place(column):
    results, items = column(best1=first(700), best2=first(690), worst=first(300))
    seeds = [replace(each, replicate_of="best" if each.model != "worst" else "") for each in results]
    assert column_ranks(seeds, items) == {"best1": 1, "best2": 1, "worst": 2}
    # a row is better where all of its seeds are
    results, items = column(lucky1=first(700), lucky2=first(300), other=first(305))
    mixed = [replace(each, replicate_of="lucky" if each.model != "other" else "") for each in results]
    assert column_ranks(mixed, items)["other"] == 1


def test_holm_counts_every_pair_of_the_column(column):
    # seven images apart: p = 2^-7 is significant alone (two models), and not among ten pairs
    few = first(507)
    two, items = column(a=first(500), b=few)
    assert column_ranks(two, items) == {"a": 2, "b": 1}
    copies = {name: first(500) for name in "acde"}
    five, items = column(b=few, **copies)
    p = float(mid_p_mcnemar(0, 7))
    assert p < 0.05 < holm([*[p] * 4, *[1.0] * 6])[0]
    assert set(column_ranks(five, items).values()) == {1}


def test_models_without_items_or_value_or_of_other_images_have_no_rank(column):
    results, items = column(a=first(500), b=first(700), c=first(900), d=first(100))
    results[2] = replace(results[2], digests={"image_ids": "1" * 32})
    results[3] = replace(results[3], metrics=(Measurement(None, 0, metric="acc1"),))
    assert column_ranks(results, items) == {"a": 2, "b": 1}
    del items["a"]
    assert column_ranks(results[:2], items) == {"b": 1}
    assert column_ranks(results, {}) == {}


def test_values_of_images_are_tested_by_the_paired_jackknife(make_result):
    generator = np.random.default_rng(0)
    base = generator.normal(0.5, 0.3, N)
    noisy = {name: base + generator.normal(gain, 0.05, N) for name, gain in (("a", 0), ("b", 0.02))}
    noisy["c"] = noisy["b"].copy()
    results, items = [], {}
    for name, values in noisy.items():
        metrics = (Measurement(float(values.mean()), N, metric="odd"),)
        results.append(make_result(model=name, primary="odd", metrics=metrics))
        items[name] = Items(influence=values.astype(np.float32))
    # a gain far below the spread over images shows, as the images are the same
    assert column_ranks(results, items) == {"a": 3, "b": 1, "c": 1}


@pytest.mark.slow
def test_equally_good_models_rarely_lose_a_place_to_rare_classes(make_result):
    generator = np.random.default_rng(0)
    sizes = [99, 43, 26, 19, 14, 11, 9, 8, 7, 6, 5, 5, 4, 4, *[3] * 4, *[2] * 8, *[1] * 14]
    classes = np.repeat(np.arange(40), sizes)
    chance = generator.uniform(0.3, 0.9, 40)[classes]
    lost = 0
    for _ in range(300):
        shared, common = generator.random(classes.size) < 0.4, generator.random(classes.size) < chance
        results, items = [], {}
        for model in "abcdefghij":
            right = np.where(shared, common, generator.random(classes.size) < chance)
            value = float(np.mean(np.bincount(classes, weights=right) / np.array(sizes)))
            name = "mean_per_class_recall"
            metrics = (Measurement(value, 40, metric=name),)
            results.append(make_result(model=model, primary=name, metrics=metrics))
            items[model] = Items(image_ranks=np.where(right, 1, 2), classes=classes)
        lost += set(column_ranks(results, items).values()) != {1}
    assert lost <= 21


def test_300_models_are_ranked_at_once(column):
    generator = np.random.default_rng(0)
    chance = np.linspace(0.3, 0.7, 300)
    results, items = column(**{f"m{i}": generator.random(N) < share for i, share in enumerate(chance)})
    ranks = column_ranks(results, items)
    assert len(ranks) == 300
    assert max(ranks[f"m{i}"] for i in range(280, 300)) < min(ranks[f"m{i}"] for i in range(20))


def test_of_a_metric_that_should_be_low_the_lowest_is_first(make_result):
    losses = {"good": np.full(N, 0.5), "bad": np.full(N, 2.0)}
    results = [
        make_result(
            model=name,
            primary="nll",
            metrics=(Measurement(loss[0], N, metric="nll", lower_is_better=True),),
        )
        for name, loss in losses.items()
    ]
    items = {name: Items(influence=loss.astype(np.float32)) for name, loss in losses.items()}
    assert column_ranks(results, items) == {"good": 1, "bad": 2}


def test_models_run_on_other_annotations_of_the_images_have_no_rank(column):
    results, items = column(a=first(500), b=first(700), c=first(900))
    classes = np.zeros(N, dtype=np.int64)
    items = {name: replace(each, classes=classes) for name, each in items.items()}
    items["c"] = replace(items["c"], classes=classes + 1)
    assert column_ranks(results, items) == {"a": 2, "b": 1}
    items["c"] = Items(image_ranks=np.where(np.arange(N) < 10, 0, items["c"].image_ranks))
    assert column_ranks(results, items) == {"a": 2, "b": 1}
