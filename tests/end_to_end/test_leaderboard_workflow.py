"""The leaderboard workflow, its composite action and its tox environment agree, and stale CSVs fail."""

import re
import shlex
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from vlbench.cards.yaml_file import read_mapping
from vlbench.cli.main import group, main

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"
ACTION = ROOT / ".github" / "actions" / "leaderboard" / "action.yml"
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40}")
OF_A_PUSH = re.compile(
    r"\$\{\{ (?:!inputs\.package && '(?P<first>[^']*)'|inputs\.\w+ \|\| '(?P<last>[^']*)')"
)


@pytest.fixture(scope="module")
def job():
    return read_mapping(WORKFLOWS / "leaderboard.yml")["jobs"]["leaderboard"]


def runs(steps):
    return [step["run"] for step in steps if "run" in step]


def of_a_push(value):
    """What a variable of the job holds where there are no inputs: a value a line."""
    return [match["first"] or match["last"] for match in OF_A_PUSH.finditer(value)]


def tox_commands():
    tox = ConfigParser()
    tox.read(ROOT / "tox.ini")
    return tox["testenv:leaderboard"]["commands"].strip().splitlines()


def test_the_action_has_the_steps_of_the_workflow(job):
    action = read_mapping(ACTION)
    assert runs(action["runs"]["steps"])[1:] == runs(job["steps"])
    conditions = [[step.get("if") for step in steps] for steps in (action["runs"]["steps"], job["steps"])]
    assert conditions[0][2:] == conditions[1][2:]
    names = {"package", "results", "runs", "baseline", "cards"}
    called = read_mapping(WORKFLOWS / "leaderboard.yml")["on"]["workflow_call"]["inputs"]
    assert called.keys() == names
    assert {name: action["inputs"][name]["default"] for name in names} == {
        name: called[name]["default"] for name in names
    }


def test_tox_runs_the_steps_of_a_push(job):
    (baseline,) = of_a_push(job["env"]["BASELINE"])
    commands = []
    for line in runs(job["steps"])[1:]:
        before, xargs, command = line.partition("xargs --no-run-if-empty --max-lines=1 ")
        if xargs:
            assert '"$RUNS"' in before
            commands += [f"{command} {options}" for options in of_a_push(job["env"]["RUNS"])]
        else:
            commands.append(line.replace('"$BASELINE"', baseline).split(" >> ")[0])
    assert commands == tox_commands()


def test_every_command_is_one_that_the_command_line_takes(monkeypatch):
    monkeypatch.chdir(ROOT)
    for line in tox_commands():
        program, name, *options = shlex.split(line)
        assert program == "vlbench"
        command = group.get_command(None, name)
        assert command is not None, name
        command.make_context(name, list(options), resilient_parsing=False)


def test_the_leaderboards_actions_are_pinned_and_a_push_may_only_read(job):
    used = [
        step["uses"] for step in (*job["steps"], *read_mapping(ACTION)["runs"]["steps"]) if "uses" in step
    ]
    assert len(used) == 5
    assert all(PINNED.fullmatch(each) for each in used), used
    workflow = read_mapping(WORKFLOWS / "leaderboard.yml")
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["on"]["push"]["paths"] == ["model_cards/**", "tasks/**", "results/**"]


@pytest.mark.parametrize("path", [*sorted(WORKFLOWS.glob("*.yml")), ACTION], ids=lambda path: path.name)
def test_a_step_runs_or_uses_something_and_takes_no_input_into_its_script(path):
    content = read_mapping(path)
    jobs = content.get("jobs") or {"action": {**content["runs"], "runs-on": "", "timeout-minutes": 1}}
    for job in jobs.values():
        assert {"runs-on", "steps", "timeout-minutes"} <= job.keys()
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step), step
            assert "${{" not in step.get("run", ""), step
            if path == ACTION and "run" in step:
                assert step["shell"] == "bash"


@pytest.mark.skipif(shutil.which("actionlint") is None, reason="actionlint is not installed")
def test_actionlint_finds_nothing():
    done = subprocess.run(
        ["actionlint", *map(str, WORKFLOWS.glob("*.yml"))], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def exit_code(*arguments):
    with pytest.raises(SystemExit) as stop:
        main(list(map(str, arguments)))
    return stop.value.code


def test_committed_csvs_are_fresh_and_a_stale_one_fails(tmp_path, capsys):
    results = tmp_path / "results"
    shutil.copytree(ROOT / "results", results)
    assert exit_code("leaderboard", "--check", "--results", results) == 0
    board = results / "leaderboard.csv"
    board.write_text(board.read_text().replace("tiny-clip,0.8", "tiny-clip,0.9"))
    assert exit_code("leaderboard", "--check", "--results", results) == 1
    assert "stale: leaderboard.csv" in capsys.readouterr().err
    assert exit_code("leaderboard", "--results", results) == 0
    assert exit_code("leaderboard", "--check", "--results", results) == 0


def test_a_result_that_no_csv_knows_fails(tmp_path, capsys):
    results = tmp_path / "results"
    shutil.copytree(ROOT / "results", results)
    (results / "digits" / "tiny-react.json").unlink()
    (results / "digits" / "tiny-react.items.npz").unlink(missing_ok=True)
    assert exit_code("leaderboard", "--check", "--results", results) == 1
    assert "digits.csv" in capsys.readouterr().err
