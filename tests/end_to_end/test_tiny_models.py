"""The other models of the offline default score what the README says of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[1] / "fixtures" / "golden"
MODELS = sorted(path.stem for path in GOLDEN.glob("*.json") if path.stem != "tiny-clip")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("model", MODELS)
def test_scores_equal_the_golden_ones(model, cache, tmp_path):
    golden = json.loads((GOLDEN / f"{model}.json").read_text())
    command = [sys.executable, "-m", "vlbench", "run", "--model", model, "--task", ",".join(golden)]
    command += ["--results", str(tmp_path), "--cache", str(cache), "--device", "cpu"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("VLBENCH_")}
    environment["OMP_WAIT_POLICY"] = "passive"
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    for task, metrics in golden.items():
        result = json.loads((tmp_path / task / f"{model}.json").read_text())
        found = {metric["metric"]: metric["value"] for metric in result["metrics"]}
        assert {name: found[name] for name in metrics} == pytest.approx(metrics, abs=0.005), task
