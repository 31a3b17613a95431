"""Trackers by stand-ins that record what they are asked; neither package needs to be installed."""

import sys
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace

import pytest

from vlbench.core.errors import Unsupported
from vlbench.core.measurement import Measurement
from vlbench.report.exchange.run_log import logged_metrics, run_log


@pytest.fixture
def calls():
    return []


@pytest.fixture
def stand_ins(monkeypatch, calls):
    wandb, mlflow = ModuleType("wandb"), ModuleType("mlflow")

    def init(**options):
        calls.append(("init", options))
        return SimpleNamespace(
            log=lambda metrics: calls.append(("log", metrics)), finish=lambda: calls.append(("finish", None))
        )

    @contextmanager
    def start_run(**options):
        calls.append(("start", options))
        yield
        calls.append(("end", None))

    wandb.init = init
    mlflow.start_run = start_run
    mlflow.set_experiment = lambda name: calls.append(("experiment", name))
    mlflow.log_params = lambda params: calls.append(("params", params))
    mlflow.log_metrics = lambda metrics: calls.append(("metrics", metrics))
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    for name in ("WANDB_PROJECT", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.delenv(name, raising=False)


NUMBERS = {
    "acc5": 0.75,
    "acc5.ci_low": 0.7,
    "acc5.ci_high": 0.8,
    "acc1": 0.5,
    "acc1.ci_low": 0.4,
    "acc1.ci_high": 0.6,
    "images_per_second": 100.0,
}


@pytest.mark.usefixtures("stand_ins")
def test_wandb_gets_a_run_a_result(make_result, calls, monkeypatch):
    log = run_log("wandb")
    log(make_result())
    monkeypatch.setenv("WANDB_PROJECT", "mine")
    log(make_result(model="large"))
    (_, first), numbers, end, (_, second), *_ = calls
    assert (first["project"], first["name"]) == ("vlbench", "small on shapes")
    assert first["config"]["precision"] == "fp32"
    assert first["config"]["digest_model"] == "m" * 32
    assert numbers == ("log", NUMBERS)
    assert end == ("finish", None)
    assert (second["project"], second["name"]) == ("mine", "large on shapes")


@pytest.mark.usefixtures("stand_ins")
def test_mlflow_gets_a_run_a_result_in_the_experiment_of_the_environment(make_result, calls, monkeypatch):
    run_log("mlflow")(make_result())
    assert [what for what, _ in calls] == ["experiment", "start", "params", "metrics", "end"]
    assert calls[0] == ("experiment", "vlbench")
    assert calls[3] == ("metrics", NUMBERS)
    calls.clear()
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    run_log("mlflow")(make_result())
    assert calls[0][0] == "start"


def test_names_hold_no_character_that_trackers_refuse(make_result):
    value = Measurement(0.5, 4, metric="macro_f1@0.17")
    assert list(logged_metrics(make_result(metrics=(value,)))) == ["macro_f1_at_0.17", "images_per_second"]


@pytest.mark.parametrize("tracker", ["wandb", "mlflow"])
def test_a_tracker_that_is_not_installed_is_named_with_its_extra(tracker, monkeypatch):
    monkeypatch.setitem(sys.modules, tracker, None)
    with pytest.raises(Unsupported, match=rf"--log {tracker} needs .*pip install 'vlbench\[{tracker}\]'"):
        run_log(tracker)
