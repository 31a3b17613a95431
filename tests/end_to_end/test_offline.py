"""The offline default as a user runs it: whole processes, real files, no network."""

import json
from pathlib import Path

import pytest
from child_command import light, vlbench

TASKS = "shapes,shapes-retrieval,shapes-tags,digits"
GOLDEN = Path(__file__).parents[1] / "fixtures" / "golden" / "tiny-clip.json"
KILLED_AFTER = 5

KILL = f"""
import os, signal, sys
from vlbench.engine.feature_store import FeatureSpace
append, calls = FeatureSpace.append, []
def counted(self, keys, *features):
    append(self, keys, *features)
    calls.append(keys)
    if len(calls) == {KILLED_AFTER} + 1:
        os.kill(os.getpid(), signal.SIGKILL)
FeatureSpace.append = counted
from vlbench.cli.main import main
main(sys.argv[1:])
"""


def run_at(folder, task, *more, call=vlbench, **options):
    where = ["--results", folder / "results", "--cache", folder / "cache", "--device", "cpu"]
    return call("run", "--model", "tiny-clip", "--task", task, *where, *more, **options)


def result(folder, task, ending=".json"):
    return json.loads((folder / "results" / task / f"tiny-clip{ending}").read_text())


def without_times(found):
    return {key: value for key, value in found.items() if key != "timing"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("offline")
    run_at(folder, TASKS)
    return folder


def test_scores_equal_the_golden_ones(finished):
    golden = json.loads(GOLDEN.read_text())
    found = {
        task: {metric["metric"]: metric["value"] for metric in result(finished, task)["metrics"]}
        for task in TASKS.split(",")
    }
    for task, metrics in golden.items():
        assert found[task] == pytest.approx(metrics, abs=0.005), task
    assert found.keys() == golden.keys()


def test_every_metric_has_an_interval_around_its_value(finished):
    for task in TASKS.split(","):
        for metric in result(finished, task)["metrics"]:
            assert metric["ci_low"] <= metric["value"] <= metric["ci_high"], (task, metric["metric"])
            assert metric["ci_method"], metric["metric"]


def test_images_shared_by_two_tasks_are_encoded_once(finished):
    encoded = [
        result(finished, task)["timing"]["images_encoded"] for task in ("shapes-retrieval", "shapes-tags")
    ]
    assert sorted(encoded)[0] == 0
    assert sorted(encoded)[1] > 0


def test_a_rerun_is_stored_and_imports_nothing_heavy(finished):
    before = {task: result(finished, task) for task in TASKS.split(",")}
    run_at(finished, TASKS, call=light)
    assert {task: result(finished, task) for task in TASKS.split(",")} == before


@pytest.mark.parametrize("workers", [0, 3])
def test_workers_and_a_fresh_store_change_no_byte(finished, tmp_path, workers):
    run_at(tmp_path, "shapes", "--workers", workers)
    assert without_times(result(tmp_path, "shapes")) == without_times(result(finished, "shapes"))


def test_a_limited_run_before_changes_no_byte(finished, tmp_path):
    run_at(tmp_path, "shapes", "--limit", 37)
    assert result(tmp_path, "shapes", ".partial.json")["partial"] == "limit 37"
    assert not (tmp_path / "results" / "shapes.csv").exists()
    run_at(tmp_path, "shapes")
    whole = result(tmp_path, "shapes")
    assert whole["timing"]["images_encoded"] == whole["n_images"] - 37
    assert without_times(whole) == without_times(result(finished, "shapes"))


def test_another_batch_size_changes_no_metric(finished, tmp_path):
    run_at(tmp_path, "digits", "--batch-size", 50)
    assert result(tmp_path, "digits")["metrics"] == result(finished, "digits")["metrics"]


def test_a_killed_run_goes_on_where_it_stopped(finished, tmp_path):
    run_at(tmp_path, "shapes", code=KILL, expect=-9)
    assert not (tmp_path / "results").exists()
    run_at(tmp_path, "shapes")
    whole = result(tmp_path, "shapes")
    assert whole["timing"]["texts_encoded"] == 0
    assert (
        whole["timing"]["images_encoded"]
        == whole["n_images"] - KILLED_AFTER * whole["settings"]["batch_size"]
    )
    assert without_times(whole) == without_times(result(finished, "shapes"))


def test_csvs_are_the_same_in_any_order(finished, tmp_path):
    for task in reversed(TASKS.split(",")):
        run_at(tmp_path, task)
    names = sorted(path.name for path in (finished / "results").glob("*.csv"))
    tables = ["all.csv", "leaderboard.csv", *(f"{task}.csv" for task in TASKS.split(","))]
    assert names == sorted([*tables, "costs.csv"])
    for name in tables:
        assert (tmp_path / "results" / name).read_bytes() == (finished / "results" / name).read_bytes(), name


def test_predictions_are_written_when_asked_for(finished):
    import pandas as pd

    run_at(finished, "shapes,shapes-retrieval,shapes-tags", "--save-predictions")
    folder = finished / "results"
    table = pd.read_parquet(folder / "shapes" / "tiny-clip.predictions.parquet")
    accuracy = next(m for m in result(finished, "shapes")["metrics"] if m["metric"] == "acc1")
    assert (table["rank"] == 1).mean() == pytest.approx(accuracy["value"])
    pairs = pd.read_parquet(folder / "shapes-retrieval" / "tiny-clip.predictions.parquet")
    assert set(pairs["side"]) == {"image", "text"}
    assert len(pd.read_parquet(folder / "shapes-tags" / "tiny-clip.predictions.parquet")["scores"][0]) > 1


def test_python_gives_what_the_command_line_writes(finished):
    import vlbench

    (found,) = vlbench.evaluate("tiny-clip", "digits", device="cpu", cache=finished / "cache")
    assert json.loads(found.to_json()) == result(finished, "digits")
