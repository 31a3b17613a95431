"""A run says on stderr, and its result says, what was read; a stored one too."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from vlbench import load_task
from vlbench.cli.main import group


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two class folders; one picture is of 16 bits, and one lies in no folder."""
    root = tmp_path / "photos"
    for number, name in enumerate(("red_cat", "dog")):
        (root / name).mkdir(parents=True)
        for i in range(2):
            shade = 90 * number + 20 * i
            Image.new("RGB", (40, 40), (shade, 255 - shade, 80)).save(root / name / f"{i}.png")
    wide = np.arange(1600, dtype="uint16").reshape(40, 40) * 40
    Image.fromarray(wide).save(root / "dog" / "wide.png")
    Image.new("RGB", (40, 40)).save(root / "flat.png")
    return root


def vlbench(*arguments: str) -> Result:
    done = CliRunner().invoke(group, arguments)
    assert done.exit_code in (0, 1), done.output
    return done


def test_a_run_says_what_it_read_and_a_stored_run_too(photos: Path, tmp_path: Path) -> None:
    arguments = ["run", "-m", "tiny-clip", "-t", f"classification:{photos}", "--device", "cpu"]
    where = ["--cache", str(tmp_path / "cache"), "--results", str(tmp_path / "results")]
    runs = [vlbench(*arguments, *where) for _ in range(2)]
    for run in runs:
        (line,) = [each for each in run.stderr.splitlines() if ": read " in each]
        assert "5 images; left out: 1 images in no class folder (the first: flat.png)" in line
        assert '2 classes: dog, red cat; first prompt "a photo of a dog.";' in line
        assert "labels: names of the class folders" in line
        (decoded,) = [each for each in run.stderr.splitlines() if ": decoded " in each]
        assert (
            "1 images of 16 bits or more, whose values above 255 turn white (the first: dog/wide.png)"
            in decoded
        )
        assert ": read " not in run.stdout
    assert runs[0].stdout.split()[:6] == runs[1].stdout.split()[:6]
    (file,) = (tmp_path / "results").rglob("tiny-clip.json")
    read = json.loads(file.read_text())["read"]
    assert read["texts"] == "2 classes: dog, red cat"
    assert set(read) == {"data", "images", "texts", "prompt", "labels", "decoding"}


def test_a_check_says_what_a_run_would_read(photos: Path, tmp_path: Path) -> None:
    arguments = ["data", "check", f"classification:{photos}", "--cache", str(tmp_path / "cache")]
    text = vlbench(*arguments).stdout
    assert "read          folder (folder:" in text
    assert "left out: 1 images in no class folder (the first: flat.png)" in text
    (check,) = json.loads(vlbench(*arguments, "--format", "json").stdout)
    assert check["read"]["prompt"] == "a photo of a dog."
    assert "16 bits" in check["read"]["decoding"]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("own.txt", "my hound\nmy tom\n"),  # in the order of the folders
        ("own.tsv", "name\tfolder\nmy tom\tred_cat\nmy hound\tdog\n"),
    ],
)
def test_a_users_names_stand_for_the_folders(photos: Path, tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text)
    task = load_task(f"classification:{photos}", classnames=tmp_path / file)
    problem = task.problem
    names = {problem.images[i].id: problem.texts[j].name for i, j in enumerate(problem.relevant.queries)}
    assert names["red_cat/0.png"] == "my tom"
    assert names["dog/0.png"] == "my hound"
    told = "stand for the classes line by line, as 'my hound' for 'dog'"
    assert any(told in remark for remark in task.remarks) == (file == "own.txt")
