"""The gate of the offline default: results/baseline.csv, whose rows are test items of the plug-in.

`pytest results/baseline.csv` runs the models; each is run once in a session, for items and tests alike.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from vlbench.pytest_plugin.scores import Regression
from vlbench.report.gate.baseline import baseline_text, read_baseline, rows_of
from vlbench.report.results import read_results

CHECKOUT = Path(__file__).parents[2]
RESULTS = CHECKOUT / "results"
GOLDEN = CHECKOUT / "tests" / "fixtures" / "golden" / "tiny-clip.json"


def test_the_baseline_is_that_of_the_committed_results():
    written = (RESULTS / "baseline.csv").read_text(encoding="utf-8")
    fresh = baseline_text(rows_of(read_results(RESULTS)))
    assert written == fresh, "run `vlbench check --baseline results/baseline.csv --update`"


def test_plain_pytest_collects_it(pytestconfig):
    assert "results/baseline.csv" in pytestconfig.getini("testpaths")
    assert pytestconfig.getini("vlbench_baseline") == "results/baseline.csv"
    assert pytestconfig.getini("vlbench_run") is True


def test_every_task_of_the_offline_default_is_in_it():
    held = {row.task for row in read_baseline(RESULTS / "baseline.csv") if row.model == "tiny-clip"}
    assert held >= json.loads(GOLDEN.read_text()).keys()


def test_a_model_that_answers_one_image_in_a_hundred_worse_is_noticed(vlbench_result, assert_no_regression):
    result = vlbench_result("tiny-clip", "shapes")
    assert_no_regression(result)
    metrics = tuple(
        replace(metric, value=(metric.value or 0) - 0.01) if metric.metric == "acc1" else metric
        for metric in result.metrics
    )
    with pytest.raises(Regression, match=r"acc1: fell by 0\.0100"):
        assert_no_regression(replace(result, metrics=metrics))
