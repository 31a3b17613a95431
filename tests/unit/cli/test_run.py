import sys

import pytest
from click.testing import CliRunner

import vlbench.api.runs
from vlbench.cli.run import command
from vlbench.core.errors import Unsupported


@pytest.fixture
def requests(monkeypatch, make_result):
    """Requests that `run` is given; it answers one result."""
    seen = []

    def run(models, tasks, options, *, tell, config):
        seen.append(options)
        yield make_result()

    monkeypatch.setattr(vlbench.api.runs, "run", run)
    return seen


def invoke(tmp_path, *arguments):
    where = ["--results", str(tmp_path / "results"), "--cache", str(tmp_path / "cache"), "--device", "cpu"]
    return CliRunner().invoke(command, ["--model", "small", "--task", "shapes", *where, *arguments])


def test_every_result_is_logged_to_every_tracker(requests, tmp_path, monkeypatch):
    logged = []
    monkeypatch.setattr(
        vlbench.cli.run,
        "run_log",
        lambda tracker: lambda result: logged.append((tracker, result.model)),
    )
    done = invoke(tmp_path, "--log", "wandb", "--log", "mlflow")
    assert done.exit_code == 0, done.output
    assert logged == [("wandb", "small"), ("mlflow", "small")]


def test_a_tracker_that_is_not_installed_stops_before_any_work(requests, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    assert isinstance(invoke(tmp_path, "--log", "wandb").exception, Unsupported)
    assert requests == []


def test_what_is_missing_is_asked_for(requests, tmp_path):
    assert invoke(tmp_path, "--missing").exit_code == 0
    assert invoke(tmp_path).exit_code == 0
    assert [options.missing for options in requests] == [True, False]
