import json
import sys

import pytest
from click.testing import CliRunner

import vlbench.api.runs
from vlbench.api.failures import NotAllRun
from vlbench.cli.run import command
from vlbench.core.errors import UnknownName, Unsupported


@pytest.fixture
def requests(monkeypatch, make_result):
    """Requests that `run` is given; it answers one result."""
    seen = []

    def run(models, tasks, options, *, tell, config, kept):
        seen.append(options)
        tell("shapes: read")
        kept(make_result(model="before"))
        yield make_result()
        if "imagenet" in tasks:
            raise NotAllRun(["refused: imagenet: no data found"], 1)

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


def test_json_is_all_that_a_run_prints_and_holds_what_failed(requests, tmp_path):
    done = invoke(tmp_path, "--json", "--task", "imagenet")
    assert isinstance(done.exception, NotAllRun)
    found = json.loads(done.stdout)
    assert [[each["model"] for each in found[part]] for part in ("results", "already_there")] == [
        ["small"],
        ["before"],
    ]
    assert found["results"][0]["metrics"][1]["value"] == 0.5
    assert found["failed"] == ["refused: imagenet: no data found"]


@pytest.mark.parametrize(
    ("flags", "lines"),
    [
        ([], ["shapes: read", "small on shapes: done", "results in {}"]),
        (["-q"], []),
        (
            ["-v"],
            [
                "shapes: read",
                "small on shapes: done; 200 images and 4 texts encoded in 3.0 s, scored in 0.1 s",
                "results in {}",
            ],
        ),
    ],
)
def test_a_run_says_as_much_as_it_is_asked_to(requests, tmp_path, flags, lines):
    done = invoke(tmp_path, *flags)
    assert done.stderr.splitlines() == [line.format(tmp_path / "results") for line in lines]
    # what was there before stands beside what was run
    assert [line.split()[0] for line in done.stdout.splitlines()[2:]] == ["before", "small"]


def test_a_run_is_not_both_verbose_and_quiet(requests, tmp_path):
    assert "contradict" in invoke(tmp_path, "-v", "--quiet").stderr
    assert requests == []


def test_a_run_that_ends_before_its_first_result_says_nothing_of_those_before(
    requests, tmp_path, monkeypatch
):
    monkeypatch.setattr(vlbench.api.runs, "rebuild_leaderboards", lambda _: ("mean: without pets",))
    assert "note: mean: without pets" in invoke(tmp_path).stderr
    monkeypatch.undo()
    monkeypatch.setattr(vlbench.api.runs, "rebuild_leaderboards", lambda _: ("mean: without pets",))
    refused = invoke(tmp_path)  # no card is called `small`
    assert isinstance(refused.exception, UnknownName)
    assert "mean: without pets" not in refused.stderr
