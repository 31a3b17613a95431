import csv
import itertools
from dataclasses import replace

import pytest

from vlbench.core.measurement import Measurement, Part
from vlbench.report.site.data import mean_costs, site_of, standings
from vlbench.report.site.scripts import names_script
from vlbench.report.site.values import Joined, Score
from vlbench.report.tables.averages import Additions


def test_rows_hold_the_cells_of_leaderboard_csv_the_best_mean_first(make_result):
    site = site_of([make_result(model="small"), make_result(model="large", acc1=0.9)])
    assert [row.name for row in site.rows] == ["large", "small"]
    assert site.rows[0].cells["shapes"] == "0.900000"
    assert site.header[:3] == ("model", "shapes", "mean")
    assert (site.summaries, "gflops" in site.facts, "family" in site.facts) == (("mean",), False, True)


def test_partial_results_and_rarer_protocols_are_left_out_and_the_latter_named(make_result):
    site = site_of(
        [
            make_result(),
            make_result(model="other"),
            make_result(model="quick", partial="first 50 images"),
            make_result(model="odd", protocol_digest="f" * 32),
        ]
    )
    assert {row.name for row in site.rows} == {"small", "other"}
    assert [line for line in site.left_out if "odd" in line and "quick" not in line] == list(site.left_out)
    assert site.tasks[0].left_out == site.left_out


def test_seeds_are_one_row_with_their_mean_and_no_interval(make_result):
    seeds = [
        make_result(model=f"ctx{i}", replicate_of="ctx", acc1=value) for i, value in enumerate((0.4, 0.6))
    ]
    (row,) = site_of(seeds).rows
    assert (row.name, row.scores["shapes"].value, row.scores["shapes"].low) == ("ctx", 0.5, None)
    assert "mean of 2 seeds, standard deviation 0.1414" in row.scores["shapes"].note


def test_a_row_that_lacks_a_seed_has_no_score_there(make_result):
    results = [make_result(model=f"ctx{i}", replicate_of="ctx") for i in range(2)]
    site = site_of([*results, make_result(model="ctx0", replicate_of="ctx", task="digits")])
    assert site.rows[0].scores["digits"] == Score(None)


def test_parts_are_those_of_the_best_models_hardest_first(make_result):
    def tagged(model, score, red, blue):
        parts = (Part("red", red, 3), Part("blue", blue, 4))
        metrics = (Measurement(score, 7, parts=parts, metric="map"),)
        return make_result(model=model, primary="map", metrics=metrics)

    results = [tagged(f"m{i}", i / 10, 0.9, i / 10) for i in range(8)]
    (task,) = site_of(results).tasks
    assert task.parts.models == ("m7", "m6", "m5", "m4", "m3", "m2")
    assert [(line.name, line.n, line.values[0]) for line in task.parts.lines] == [
        ("blue", 4, 0.7),
        ("red", 3, 0.9),
    ]


def test_a_standing_has_the_best_and_the_median_of_all_rows(make_result):
    site = site_of([make_result(model=f"m{i}", acc1=i / 10) for i in range(1, 4)])
    standing = standings(site.rows, site.tasks[0])["m1"]
    assert (standing.best, standing.median, standing.of, standing.rank) == (0.3, 0.2, 3, None)


def test_ranks_and_robustness_of_the_additions_reach_the_tasks(make_result):
    site = site_of([make_result()], Joined(additions=Additions(ranks={"shapes": {"small": 4}})))
    assert (site.tasks[0].ranks, site.tasks[0].robustness) == ({"small": 4}, ())
    assert site.rows[0].cells["mean_rank"] == "4.000000"


def test_speed_is_the_median_over_the_device_that_most_runs_used(make_result):
    def on(task, device, speed):
        result = make_result(task=task, settings={"device": device, "precision": "fp32"})
        return replace(result, timing=replace(result.timing, images_per_second=speed))

    speeds = {"a": ("cpu", 10.0), "b": ("cpu", 30.0), "c": ("cuda", 9000.0)}
    (row,) = site_of([on(task, *each) for task, each in speeds.items()]).rows
    cost = mean_costs(row)
    assert (cost.images_per_second, cost.device) == (20.0, "cpu, fp32")


def test_the_order_of_results_changes_nothing(make_result):
    results = [make_result(model=model, task=task) for model in "ba" for task in ("t", "s")]
    sites = [site_of(order) for order in itertools.permutations(results)]
    assert all(site == sites[0] for site in sites)


def test_csvs_are_those_of_the_results_folder_but_for_all_csv(make_result):
    site = site_of([make_result()])
    assert set(site.csvs) == {"leaderboard.csv", "shapes.csv"}
    (line,) = csv.DictReader(site.csvs["leaderboard.csv"].splitlines())
    assert float(line["shapes"]) == pytest.approx(0.5)


def test_parts_stand_under_their_own_names_and_one_worst_class_is_no_table(make_result):
    def of(model, worst, recalls):
        parts = tuple(Part(name, value, 5) for name, value in recalls.items())
        metrics = (
            Measurement(0.5, 10, metric="acc1"),
            Measurement(0.1, 2, parts=(Part(worst, 0.1, 5),), metric="worst_class_accuracy"),
            Measurement(0.5, 2, parts=parts, metric="mean_per_class_recall"),
        )
        return make_result(model=model, metrics=metrics if parts else metrics[:2])

    both = [of("a", "ant", {"ant": 0.1, "bee": 0.9}), of("b", "bee", {"bee": 0.1, "ant": 0.8})]
    (task,) = site_of(both).tasks
    assert task.parts.metric == "mean_per_class_recall"
    assert {line.name: line.values for line in task.parts.lines} == {"ant": (0.1, 0.8), "bee": (0.9, 0.1)}
    (task,) = site_of([of("a", "ant", {}), of("b", "bee", {})]).tasks
    assert {line.name: line.values for line in task.parts.lines} == {"ant": (0.1, None), "bee": (None, 0.1)}


def test_the_mean_difference_of_two_models_is_over_the_tasks_that_are_averaged(make_result):
    nll = (Measurement(2.0, 4, metric="nll"),)
    results = [make_result(), make_result(task="deep", primary="nll", metrics=nll)]
    site = site_of([*results, make_result(task="shapes+templates@12ab34")])
    assert site.averaged == ("shapes",)
    assert '["shapes","tasks/shapes.html",true]' in names_script(site)
    assert '["deep","tasks/deep.html",false]' in names_script(site)
