"""Commands say what was changed of a model's files and of images, measured or stored."""

import json
import shlex
from functools import partial
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from vlbench.cards.folders import FOLDERS, built_in_folder
from vlbench.cli.main import main
from vlbench.core.result import Result

TINY = built_in_folder() / FOLDERS["model"] / "tiny-clip" / "open_clip_model.safetensors"


@pytest.fixture
def run(run):
    fixed = "run -m tiny-clip -t digits --limit 10 --results results --cache cache"
    return partial(run, *fixed.split())


def results(folder: Path) -> list[Result]:
    return [Result.from_json(path.read_text()) for path in (folder / "results").rglob("*.json")]


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("ood tiny-clip classification:photos classification:more", 2),
        ("sweep-prompts tiny-clip classification:photos --templates two.txt", 1),
        ("fit coop -m tiny-clip -t classification:photos --shots 1 --n-ctx 2 --epochs 1 --out fitted", 1),
        ("tag -m tiny-clip photos --tags names.txt", 1),
    ],
)
def test_every_command_that_loads_a_model_says_what_was_changed_of_it_and_of_images(
    line, told, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    for folder in ("photos", "more"):
        for number, name in enumerate(("red", "blue")):
            (tmp_path / folder / name).mkdir(parents=True)
            # CMYK, which Pillow converts without the picture's profile
            Image.new("CMYK", (70, 64 + number), name).save(tmp_path / folder / name / "a.jpg")
    (tmp_path / "two.txt").write_text("a {}.\nthe {}.\n")
    (tmp_path / "names.txt").write_text("red\nblue\n")
    half = {key: value.half() for key, value in load_file(TINY).items()}
    torch.save(half, tmp_path / "half.pt")
    with pytest.raises(SystemExit) as stop:
        main([*shlex.split(line), "--weights", "half.pt", "--cache", "cache", "--device", "cpu"])
    complained = capsys.readouterr().err
    assert stop.value.code == 0, complained
    assert complained.count("153 tensors converted from float16 to float32") == 1
    assert complained.count("images of CMYK, converted without their colour profile") == told
    if not line.startswith("tag"):
        assert complained.count("; 2 images; 2 classes: blue, red; ") == told


@pytest.fixture
def photos(tmp_path, monkeypatch):
    for name in ("red circle", "blue square"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        Image.new("RGB", (64, 64), name.split()[0]).save(tmp_path / "photos" / name / "a.png")
    (tmp_path / "two.txt").write_text("a {}.\nthe {}.\n")
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize(
    ("model", "task"), [("tiny-coop", "classification:photos"), ("tiny-ram-plus", "shapes-tags")]
)
def test_templates_that_a_model_does_not_read_are_told(model, task, tmp_path, capsys):
    line = f"run -m {model} -t {task} --limit 2 --cache cache --results results --device cpu"
    for more, times in (("", 0), (" --templates two.txt", 1), (" --templates two.txt", 1)):
        with pytest.raises(SystemExit) as stop:
            main((line + more).split())
        said = capsys.readouterr().err
        assert stop.value.code == 0, said
        assert said.count("first prompt none: the model reads names alone") == times
    prompts = {each.task: each.read["prompt"] for each in results(tmp_path)}
    assert sorted(prompt.startswith("none: ") for prompt in prompts.values()) == [False, True]


@pytest.mark.usefixtures("photos")
def test_a_sweep_over_templates_that_a_model_does_not_read_is_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        main(
            ["sweep-prompts", "tiny-coop", "classification:photos", "--templates", "two.txt", "--cache", "c"]
        )
    assert (stop.value.code, capsys.readouterr().err.count("reads names alone")) == (2, 1)
