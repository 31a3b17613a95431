import json
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner

import vlbench.api.runs
from vlbench.cli.main import main
from vlbench.cli.run import command
from vlbench.core.errors import UnknownName, VlbenchError
from vlbench.options import DEFAULTS

EVERYTHING = """\
model: [tiny-clip, tiny-react]
task: shapes,digits
device: cpu
batch-size: 4
limit: 8
allow_subset: true
save-predictions: false
feature-gb: 0.5
data-root: [here, pets=there]
thresholds: 0.5
seed: 3
workers: null
"""


@pytest.fixture
def asked(monkeypatch):
    seen = []

    def run(models, tasks, options, **_):
        seen.append((models, tasks, options))
        return iter(())

    monkeypatch.setattr(vlbench.api.runs, "run", run)
    return seen


def invoke(path: Path, *arguments: str):
    where = ["--results", str(path.parent / "r"), "--cache", str(path.parent / "c")]
    return CliRunner().invoke(command, ["--config", str(path), *where, *arguments])


def test_options_come_from_a_file_and_flags_win(tmp_path: Path, asked, monkeypatch) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(EVERYTHING)
    monkeypatch.setenv("VLBENCH_BATCH_SIZE", "16")
    done = invoke(path, "--limit", "0.5", "--task", "digits-half")
    assert done.exit_code == 0, done.output
    ((models, tasks, options),) = asked
    assert (models, tasks) == (("tiny-clip", "tiny-react"), ("digits-half",))
    assert (options.limit, options.batch_size, options.seed) == (0.5, 16, 3)
    assert (options.allow_subset, options.save_predictions) == (True, False)
    assert (options.feature_bytes, options.thresholds, options.workers) == (500_000_000, "0.5", None)
    assert options.data_root == (Path("here"),)
    assert options.task_roots == {"pets": Path("there")}


def test_every_option_of_a_run_may_be_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    lines = [f"{name}: null" for name in DEFAULTS.keys() - {"feature_bytes", "task_roots"}]
    path.write_text("\n".join(["model: a", "task: b", "feature-gb: 1", "log: [wandb]", *lines]))
    with pytest.raises(UnknownName, match="no model named 'a'"):
        raise invoke(path, "--dry-run").exception


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("modle: a", r"no option named 'modle'; did you mean model\?; correct .*sweep.yaml"),
        ("config: a.yaml", "no option named 'config'"),
        ("limit: [1]", "sweep.yaml: limit: is a list; give one value"),
        ("limit: many", "sweep.yaml: limit: many is no limit"),
        ("limit: 1.0", r"sweep.yaml: limit: 1\.0 is no limit"),
        ("workers: many", "sweep.yaml: workers: 'many' is not a valid"),
        ("limit: true", "sweep.yaml: limit: takes neither true nor false"),
        ("precision: fp8", "sweep.yaml: precision: 'fp8' is not one of"),
        ("missing: 1", "sweep.yaml: missing: give true or false"),
        ("model: {a: b}", "sweep.yaml: model: is a mapping"),
        ("model: [[a]]", "sweep.yaml: model: is a list of more"),
        ("limit: 1\nlimit: 2", "sweep.yaml: line 2 found duplicate key"),
        ("- a", "sweep.yaml: holds no fields"),
    ],
)
def test_what_no_flag_takes_is_refused_and_the_file_is_named(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(line)
    error = invoke(path, "-m", "tiny-clip", "-t", "digits").exception
    assert isinstance(error, VlbenchError)
    with pytest.raises(VlbenchError, match=told):
        raise error


def test_a_result_keeps_the_digest_of_the_file_and_is_otherwise_the_same(tmp_path: Path, capsys) -> None:
    where = ["--results", str(tmp_path / "r"), "--cache", str(tmp_path / "c")]
    path = tmp_path / "sweep.yaml"
    path.write_text("model: tiny-clip\ntask: digits\nlimit: 4\ndevice: cpu\n")
    found = []
    for arguments in (["-m", "tiny-clip", "-t", "digits", "--limit", "4"], ["--config", str(path)]):
        with pytest.raises(SystemExit) as stop:
            main(["run", *arguments, "--device", "cpu", *where])
        assert stop.value.code == 0, capsys.readouterr().err
        (written,) = (tmp_path / "r" / "digits").glob("*.json")
        found.append(json.loads(written.read_text()))
    assert found[1]["settings"].pop("config") == sha256(path.read_bytes()).hexdigest()
    assert found[0] == found[1]
