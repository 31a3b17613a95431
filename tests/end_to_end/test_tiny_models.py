"""The other models of the offline default score what the README says of them."""

import json
from pathlib import Path

import pytest

GOLDEN = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parents[1] / "fixtures" / "golden").glob("*.json"))
}
PAIRS = [(model, task) for model in GOLDEN if model != "tiny-clip" for task in GOLDEN[model]]


@pytest.mark.parametrize(("model", "task"), PAIRS)
def test_scores_equal_the_golden_ones(model, task, vlbench_result):
    golden = GOLDEN[model][task]
    found = {metric.metric: metric.value for metric in vlbench_result(model, task).metrics}
    assert {name: found[name] for name in golden} == pytest.approx(golden, abs=0.005)
