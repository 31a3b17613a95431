"""`vlbench run` says what was changed of a model's files, when it is measured and when it is stored."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from vlbench.cards.folders import FOLDERS, built_in_folder
from vlbench.cli.main import main
from vlbench.core.result import Result

TINY = built_in_folder() / FOLDERS["model"] / "tiny-clip" / "open_clip_model.safetensors"


@pytest.fixture
def run(tmp_path, capsys):
    def run(*arguments):
        folders = ("--results", str(tmp_path / "results"), "--cache", str(tmp_path / "cache"))
        with pytest.raises(SystemExit) as stop:
            main(["run", "-m", "tiny-clip", "-t", "digits", "--limit", "10", *folders, *arguments])
        return stop.value.code, *capsys.readouterr()

    return run


def results(folder: Path) -> list[Result]:
    return [Result.from_json(path.read_text()) for path in (folder / "results").rglob("*.json")]


def test_one_line_a_model_says_what_was_read_and_the_result_keeps_it(run, tmp_path):
    half = {f"module.{key}": value.half() for key, value in load_file(TINY).items()}
    torch.save({"model": half, "optimizer": {}}, tmp_path / "epoch_3.pt")
    lines = []
    for _ in range(2):  # measured, then stored
        code, _, complained = run("--weights", str(tmp_path / "epoch_3.pt"), "-t", "shapes")
        assert code == 0
        lines.append([line for line in complained.splitlines() if "converted" in line])
    (line,) = lines[0]
    name, _, said = line.partition(": ")
    assert name.startswith("tiny-clip@")
    assert said == (
        "read from 'model'; not read, beside it: optimizer; prefix 'module.' taken off 153 keys; "
        "153 tensors converted from float16 to float32"
    )
    assert lines[1] == lines[0]
    found = results(tmp_path)
    assert len(found) == 2
    assert {each.changes for each in found} == {tuple(said.split("; "))}


def test_a_model_that_is_read_as_it_lies_there_has_no_line(run, tmp_path):
    code, _, complained = run()
    assert code == 0
    assert "tiny-clip: " not in complained
    assert [each.changes for each in results(tmp_path)] == [()]


def test_a_result_of_before_is_read_without_changes(run, tmp_path):
    run()
    (path,) = (tmp_path / "results").rglob("*.json")
    fields = json.loads(path.read_text())
    del fields["changes"]
    assert Result.from_json(json.dumps(fields)).changes == ()
