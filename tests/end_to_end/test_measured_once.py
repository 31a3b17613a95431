"""A run computes each metric once, and reads back nothing of what it has just written."""

from pathlib import Path

import pytest

import vlbench
from vlbench.core.metric import Metric
from vlbench.core.registry import METRICS
from vlbench.engine import stored

CARD = """\
title: counted
kind: classification
protocol: x
names: shapes.tsv
templates: shapes.txt
sources: [{kind: shapes, question: label, split: test, count: 40, seed: 0}]
metrics: [counted]
primary: counted
"""
TASKS = Path(__file__).parents[2] / "tasks"


@pytest.fixture
def calls():
    seen = []
    acc1 = METRICS.get("acc1")

    def run(prediction, problem, options):
        seen.append(problem)
        return acc1.run(prediction, problem, options)

    METRICS.register("counted")(Metric("counted", run, acc1.reads))
    yield seen
    METRICS.unregister("counted")


def test_the_primary_metric_is_computed_once_and_no_prediction_is_read_back(calls, tmp_path, monkeypatch):
    folder = tmp_path / "tasks"
    folder.mkdir()
    for kind, name in (("names", "shapes.tsv"), ("templates", "shapes.txt")):
        (folder / name).write_bytes((TASKS / kind / name).read_bytes())
    (folder / "counted.yaml").write_text(CARD, encoding="utf-8")
    read = []
    read_checked = stored.read_checked

    def watched(path):
        data = read_checked(path)
        if data is not None and path.parent.name == "predictions":
            read.append(path)
        return data

    monkeypatch.setattr(stored, "read_checked", watched)
    asked = {"results": tmp_path / "r", "cache": tmp_path / "c", "include_path": [tmp_path], "limit": 8}
    vlbench.evaluate("tiny-clip", "counted", **asked, device="cpu", save_predictions=True)
    assert (len(calls), read) == (1, [])
    assert len(list((tmp_path / "r" / "counted").glob("*.items.npz"))) == 1
    assert len(list((tmp_path / "r" / "counted").glob("*.predictions.parquet"))) == 1
