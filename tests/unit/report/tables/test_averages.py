"""What stands in `mean`, in a collection's average and in `mean_rank`, and what is left out and named."""

import csv
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest

from vlbench.api.additions import leaderboard_additions
from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.published import published_of
from vlbench.core.measurement import Measurement
from vlbench.report.tables.averages import Additions, averages
from vlbench.report.tables.leaderboard import leaderboards
from vlbench.report.tables.notes import notes

RANKS = Additions(ranks={task: {"a": 2, "b": 1} for task in ("digits", "shapes", "digits+templates@12ab34")})


LOW = ("nll", "ece", "text_retrieval_median_rank")


@pytest.fixture
def scored(make_result):
    """A result of one metric, its primary."""

    def make(model, task, value, metric="acc1", **changes):
        metrics = (Measurement(value, 200, metric=metric, lower_is_better=metric in LOW),)
        return make_result(model=model, task=task, primary=metric, metrics=metrics, **changes)

    return make


@pytest.fixture
def shared(scored):
    """Two models on two tasks: their means are 0.5 and 0.75."""
    return [
        scored("a", "digits", 0.25),
        scored("a", "shapes", 0.75),
        scored("b", "digits", 0.5),
        scored("b", "shapes", 1.0),
    ]


def table(results, additions=RANKS):
    lines = csv.DictReader(leaderboards(results, additions)["leaderboard.csv"].splitlines())
    return {line["model"]: line for line in lines}


def means(results, additions=RANKS):
    return {model: (line["mean"], line.get("mean_rank")) for model, line in table(results, additions).items()}


SHARED = {"a": ("0.500000", "2.000000"), "b": ("0.750000", "1.000000")}


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("digits+templates@12ab34", "templates of the user's own"),
        ("digits+classnames@12ab34+templates@56cd78", "classnames and templates of the user's own"),
        ("digits+thresholds@0.5", "thresholds of the user's own"),
        ("digits@elevater", "another question about a data set that is averaged"),
        ("digits@base", "a half of a task's classes"),
        ("classification:photos@12ab34", "own data without a card"),
    ],
)
def test_what_only_one_model_was_asked_in_its_own_way_moves_no_mean(shared, scored, task, reason):
    results = [*shared, scored("a", task, 1.0)]
    assert means(results) == SHARED
    assert notes(results) == (f"mean: without {task}: {reason}",)
    assert table(results)["a"][task] == "1.000000"


def test_a_task_that_version_0_1_named_by_a_method_is_a_column_of_its_own_and_told_what_it_is_now(
    shared, scored
):
    results = [*shared, scored("a", "digits+best-f1", 1.0), scored("a+best-f1", "digits", 0.5)]
    found = table(results)
    assert means(results)["a"] == SHARED["a"]
    assert (found["a"]["digits+best-f1"], found["a+best-f1"]["digits"]) == ("1.000000", "0.500000")
    assert found["a"]["digits"] == "0.250000"
    assert notes(results) == (
        "digits+best-f1: results of version 0.1, by the task's name; best-f1 is a method of the row now: run "
        "`--task digits --method best-f1` again",
        "mean: without digits+best-f1: best-f1 of the user's own",
    )


@pytest.mark.parametrize(
    ("metric", "value", "reason"),
    [
        ("nll", 5.1704, "nll is better when it is lower"),
        ("text_retrieval_median_rank", 3.0, "text_retrieval_median_rank is better when it is lower"),
        ("points", 86.1, "points is no fraction: 86.1"),
    ],
)
def test_what_is_no_fraction_or_better_when_low_is_in_no_mean(shared, scored, metric, value, reason):
    results = [*shared, *(scored(model, "odd", value, metric) for model in "ab")]
    assert {model: mean for model, (mean, _) in means(results).items()} == {"a": "0.500000", "b": "0.750000"}
    assert notes(results) == (f"mean: without odd: {reason}",)


def test_where_nothing_can_be_averaged_the_mean_is_empty_and_says_so(scored):
    results = [scored("a", "odd", 0.5, "nll")]
    assert table(results)["a"]["mean"] == ""
    assert notes(results)[-1] == "mean: empty: none of the tasks can be averaged"


def test_own_data_are_averaged_where_no_cards_task_is(scored):
    results = [
        scored("a", f"classification:{name}@12ab34", value) for name, value in (("x", 0.5), ("y", 1.0))
    ]
    assert table(results)["a"]["mean"] == "0.750000"
    assert notes(results) == ()


def test_the_protocol_of_a_data_set_that_most_results_have_is_averaged(shared, scored):
    elevater = [scored(model, "digits@elevater", 1.0) for model in ("a", "b", "c")]
    assert means([*shared, *elevater])["a"][0] == "0.875000"


def test_a_card_of_another_name_about_the_same_data_counts_once(scored):
    told = {"image_ids": "i", "texts": "t", "truth": "r"}
    results = [
        scored("a", "digits", 0.25, digests=told),
        scored("a", "a-copy", 0.75, digests={**told, "texts": "u"}, protocol_statement={"texts": 10}),
        scored("a", "digits-two", 0.5, digests={**told, "truth": "s"}),
    ]
    results[0] = replace(results[0], protocol_statement={"texts": 10})
    assert means(results, Additions(shipped=frozenset(["digits"])))["a"][0] == "0.375000"
    # captions are data: the same images in two languages are two tasks
    spoken = [replace(each, protocol_statement={"texts": 0}) for each in results]
    assert means(spoken, Additions())["a"][0] == "0.500000"


def test_two_folders_of_equal_file_names_and_labels_are_two_data_sets(scored):
    told = {"image_ids": "i", "texts": "t", "truth": "r", "image_sample": "s"}
    other = scored("a", "b", 0.75, digests={**told, "image_sample": "x"})
    assert means([scored("a", "a", 0.25, digests=told), other])["a"][0] == "0.500000"


def test_a_row_of_several_weights_has_no_averages(shared):
    other = [replace(shared[0], weights={"small.safetensors": "b" * 64}), *shared[1:]]
    assert means(other) == {**SHARED, "a": ("", "")}
    assert notes(other) == (
        "a: no averages: results of other weights under one name; run it again on digits",
    )


def test_a_row_of_several_states_of_a_method_has_no_averages_and_the_model_alone_keeps_its_own(scored):
    alone = [scored("a", "digits", 0.25), scored("a", "shapes", 0.75)]
    probed = [
        scored("a+probe", task, value, method="probe", digests={"method": digest})
        for task, value, digest in (("digits", 0.5, "1"), ("shapes", 1.0, "1"))
    ]
    assert means([*alone, *probed])["a+probe"][0] == "0.750000"
    assert notes([*alone, *probed]) == ()
    other = [*alone, probed[0], replace(probed[1], digests={"method": "2"})]
    assert means(other)["a+probe"][0] == ""
    assert means(other)["a"][0] == "0.500000"
    assert notes(other) == (
        "a+probe: no averages: results of other settings or code of its method under one name; run it again "
        "on shapes",
    )


COLLECTIONS = Additions(
    collections={"both": ("digits", "shapes"), "odd ones": ("digits", "odd")},
    metrics={"both": {"shapes": ("recall@1", "recall@5"), "digits": ("acc5",)}},
)


def test_a_collection_is_averaged_by_the_metrics_that_it_states(make_result):
    measured = tuple(
        Measurement(value, 4, metric=name)
        for name, value in (("acc1", 0.0), ("acc5", 0.25), ("recall@1", 0.5), ("recall@5", 1.0))
    )
    results = [make_result(task=task, metrics=measured) for task in ("digits", "shapes")]
    assert table(results, COLLECTIONS)["small"]["both"] == "0.500000"  # of 0.25 and 0.75
    lacking = [results[0], replace(results[1], metrics=measured[:3])]
    assert "both" not in table(lacking, COLLECTIONS)["small"]


def test_a_task_without_a_metric_is_no_part_of_a_collections_average(scored):
    additions = Additions(
        collections={"set": ("digits", "absent")}, metrics={"set": {"absent": ()}, "other": {}}
    )
    assert table([scored("a", "digits", 0.25)], additions)["a"]["set"] == "0.250000"


def test_tasks_count_by_the_weights_that_a_collection_states(scored):
    results = [scored("a", "digits", 0.25), scored("a", "shapes", 0.75), scored("b", "digits", 1.0)]
    additions = Additions(
        collections={"set": ("digits", "shapes")}, weights={"set": {"digits": 3.0, "shapes": 1.0}}
    )
    assert averages(results, additions).collections["set"] == {"a": 0.375, "b": None}


PARTS = {
    "add": {"obj": 2062, "att": 692},
    "replace": {"obj": 1652, "att": 788, "rel": 1406},
    "swap": {"obj": 245, "att": 666},
}


def test_sugarcrepes_four_averages_are_those_of_papers(make_result):
    """The last is 73.0257 in the study's table, read in its repository (ytaek-oh/vl_compo)."""
    scores = {
        (kind, part): score.value
        for kind, parts in PARTS.items()
        for part in parts
        for score in published_of(model="clip-b32", task=f"sugarcrepe-{kind}-{part}")
    }
    values = {(f"sugarcrepe-{kind}-{part}", "text_score"): each for (kind, part), each in scores.items()}
    found = averages(list(stated_results(make_result, "a", values)), leaderboard_additions()).collections
    sizes = {(kind, part): size for kind, parts in PARTS.items() for part, size in parts.items()}
    by_type = [[scores[kind, part] for part in parts] for kind, parts in PARTS.items()]
    right = [sum(scores[kind, part] * size for part, size in parts.items()) for kind, parts in PARTS.items()]
    expected = {
        "sugarcrepe_parts": fmean(scores.values()),
        "sugarcrepe_items": sum(right) / sum(sizes.values()),
        "sugarcrepe_types": fmean(map(fmean, by_type)),
        "sugarcrepe_types_by_item": 0.730257,
    }
    assert {name: found[name]["a"] for name in expected} == pytest.approx(expected, abs=5e-7)


def test_a_collection_of_what_is_no_fraction_is_empty_and_says_so(scored):
    results = [scored("a", "digits", 0.5), scored("a", "odd", 0.5, "ece")]
    assert "odd ones" not in table(results, COLLECTIONS)["a"]
    assert "odd ones: empty: odd: ece is better when it is lower" in notes(results, COLLECTIONS)


AVERAGES = Path(__file__).parents[3] / "fixtures" / "published" / "open_clip_averages.csv"
CATALOGUE = read_catalogue()


def stated_results(make_result, model, values):
    """Results of cards from published values by (task, metric), beside which nothing was measured."""
    by_task = {}
    for (task, metric), value in values.items():
        by_task.setdefault(task, {})[metric] = value
    for task, known in by_task.items():
        primary = str(CATALOGUE.tasks[task].summary["primary"])
        yield make_result(
            model=model,
            task=task,
            primary=primary,
            metrics=tuple(
                Measurement(known.get(metric), 1, metric=metric)
                for metric in dict.fromkeys([primary, *known])
            ),
        )


@pytest.mark.slow
def test_open_clips_stated_averages_are_those_of_its_collection(make_result):
    """Source: open_clip, docs/openclip_classification_results.csv (MIT), under the names of our tasks."""
    with AVERAGES.open(encoding="utf-8", newline="") as file:
        rows = {row.pop("model"): row for row in csv.DictReader(file)}
    stated = {model: float(row.pop("average")) for model, row in rows.items()}
    assert len(stated) == 89
    results = [
        result
        for model, row in rows.items()
        for result in stated_results(
            make_result, model, {tuple(column.split(" ")): float(text) for column, text in row.items()}
        )
    ]
    found = table(results, leaderboard_additions())
    for model, average in stated.items():
        assert float(found[model]["open_clip35"]) == pytest.approx(average, abs=1e-4), model


def test_the_average_of_datacomps_main_metrics_is_that_of_apples_files(make_result):
    """37 values of apple/ml-mobileclip, results/mobileclip_s1.jsonl, whose mean is 0.616185."""
    values = {
        (score.task, score.metric): score.value
        for score in published_of(model="mobileclip-s1")
        if "mobileclip_s1.jsonl" in score.source
    }
    found = table(stated_results(make_result, "s1", values), leaderboard_additions())
    assert float(found["s1"]["datacomp37"]) == pytest.approx(0.616185, abs=1e-6)


def test_vtab_is_averaged_by_acc1_as_clip_benchmarks_users_do(make_result):
    tasks = CATALOGUE.collections["vtab+"].tasks
    values = {(task, "acc1"): 0.5 for task in tasks if task != "voc2007-multilabel"}
    values |= {(task, "mean_per_class_recall"): 0.75 for task in ("caltech101", "flowers102", "oxford_pets")}
    found = table(stated_results(make_result, "a", values), leaderboard_additions())
    assert (found["a"]["vtab+"], found["a"]["vtab"]) == ("0.500000", "0.500000")
