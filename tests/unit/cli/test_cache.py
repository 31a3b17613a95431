import json

import numpy as np
import pytest

from vlbench.cli.main import main
from vlbench.core.files import write_checked
from vlbench.engine.cache import prune as prune_module
from vlbench.engine.feature_store import FeatureSpace


@pytest.fixture
def cache(tmp_path):
    with FeatureSpace(tmp_path / "cache" / "features" / "k", "clip") as space:
        space.append(["x", "y"], np.zeros((2, 250), np.float32), "photos")
    write_checked(tmp_path / "cache" / "remembered" / "r.json", "{}")
    return tmp_path / "cache"


@pytest.fixture
def run(capsys, cache):
    """Runs `vlbench cache ...`; the answer is (exit code, stdout, stderr)."""

    def run(*arguments, at=cache):
        try:
            main(["cache", *map(str, arguments), "--cache", str(at)])
        except SystemExit as stop:
            return stop.code, *capsys.readouterr()
        raise AssertionError("it did not exit")

    return run


def test_the_size_is_a_table_and_json(run):
    code, answer, _ = run("size")
    assert code == 0
    head, _, first, *_ = answer.splitlines()
    assert head.split() == ["model", "data", "what", "files", "size", "last", "used"]
    assert first.split()[:5] == ["clip", "photos", "features", "1", "2.1"]
    of_features, rest = json.loads(run("size", "--format", "json")[1])
    assert (of_features["model"], of_features["data"], of_features["files"]) == ("clip", "photos", 1)
    assert (rest["kind"], rest["model"], rest["data"]) == ("remembered", "", "")


def test_pruning_asks_what_may_go_and_says_what_went(run, cache, monkeypatch):
    code, _, error = run("prune")
    assert (code, error.count("\n")) == (2, 1)
    assert "--older-than DAYS, --budget GB, --model NAME" in error
    assert (
        "2 files stay: a run has them open, or used them in the last hour" in run("prune", "--budget", 0)[1]
    )
    monkeypatch.setattr(prune_module, "SPARED_SECONDS", 0.0)
    assert "2.1 kB would go" in run("prune", "--model", "cl*", "--dry-run")[1]
    assert list(cache.rglob("*.features"))
    told = json.loads(run("prune", "--model", "clip", "--format", "json")[1])
    assert [path.endswith(".features") for path in told["removed"]] == [True]
    assert not list(cache.rglob("*.features"))
    assert run("prune", "--older-than", 1)[1].startswith("0 B gone")


def test_verifying_names_what_is_damaged(run, cache):
    assert run("verify")[0] == 0
    (cache / "remembered" / "r.json").write_text("{")
    code, answer, error = run("verify")
    assert (code, answer) == (1, f"{cache}/remembered/r.json: 1 B of it are damaged, and read by no run\n")
    assert error == f"vlbench: {cache}: 1 of 2 files are damaged; deleting them frees space\n"
    assert json.loads(run("verify", "--format", "json")[1])["damaged"][0]["bytes"] == 1


def test_merging_says_what_was_added(run, cache, tmp_path):
    answer = run("merge", cache, at=tmp_path / "other")[1]
    assert answer == f"{tmp_path}/other: 2.1 kB of features, 2 B of remembered added\n"
    answer = run("merge", cache, at=tmp_path / "other")[1]
    assert answer == f"{tmp_path}/other: has all that {cache} has\n"
    code, _, error = run("merge", tmp_path / "none")
    assert (code, error.count("\n")) == (2, 1)
