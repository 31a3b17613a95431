"""What users get wrong: one line that says what, where and what to do, and exit code 2."""

import json
import re
from pathlib import Path

import pytest
from child_command import vlbench
from PIL import Image

TINY = Path(__file__).parents[2] / "model_cards" / "tiny-clip"


def fail(*arguments, folder, code=2):
    where = ["--results", folder / "results", "--cache", folder / "cache", "--device", "cpu"]
    done = vlbench("run", *where, *arguments, expect=code)
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("vlbench: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    for name, colour in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        (folder / name).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (64, 64), colour).save(folder / name / f"{number}.png")
    return folder


def test_a_misspelt_model(tmp_path):
    line = fail("--model", "tiny-clop", "--task", "shapes", folder=tmp_path)
    assert "no model named 'tiny-clop'" in line
    assert re.search(r"did you mean [^?]*tiny-clip", line)


def test_a_misspelt_task_and_a_wildcard_without_a_match(tmp_path):
    assert "did you mean shapes" in fail("--model", "tiny-clip", "--task", "shpaes", folder=tmp_path)
    assert "'zz*'" in fail("--model", "tiny-clip", "--task", "zz*", folder=tmp_path)


def test_a_missing_folder_names_the_places_looked_at(tmp_path):
    line = fail("--model", "tiny-clip", "--task", "imagenet", "--data-root", tmp_path, folder=tmp_path)
    assert str(tmp_path / "imagenet") in line
    assert "--data-root" in line
    assert str(tmp_path / "nowhere") in fail(
        "--model", "tiny-clip", "--task", f"classification:{tmp_path / 'nowhere'}", folder=tmp_path
    )


def test_an_image_that_does_not_decode_keeps_what_was_finished(tmp_path, pictures):
    broken = pictures / "red" / "1.png"
    broken.write_bytes(broken.read_bytes()[:60])
    both = f"digits,classification:{pictures}"
    line = fail("--model", "tiny-clip", "--task", both, "--limit", 6, folder=tmp_path, code=1)
    assert "red/1.png" in line
    assert "does not decode" in line
    assert (tmp_path / "results" / "digits" / "tiny-clip.partial.json").exists()


def test_a_class_folder_without_an_image(tmp_path, pictures):
    (pictures / "green").mkdir()
    (pictures / "green" / "notes.txt").touch()
    line = fail("--model", "tiny-clip", "--task", f"classification:{pictures}", folder=tmp_path)
    assert "green" in line


def test_a_caption_without_its_image(tmp_path, pictures):
    rows = [
        {"file_name": "red/0.png", "captions": ["a red one"]},
        {"file_name": "red/9.png", "captions": ["gone"]},
    ]
    (pictures / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    line = fail("--model", "tiny-clip", "--task", f"retrieval:{pictures}", folder=tmp_path)
    assert "red/9.png" in line
    assert "metadata.jsonl:2" in line


def test_a_checkpoint_of_the_wrong_shape(tmp_path, pictures):
    import torch
    from safetensors.torch import load_file, save_file

    weights = tmp_path / "weights.safetensors"
    state = load_file(TINY / "open_clip_model.safetensors")
    save_file({**state, "text_projection": torch.zeros(3, 4)}, weights)
    task = f"classification:{pictures}"
    line = fail("--model", "tiny-clip", "--weights", weights, "--task", task, folder=tmp_path)
    assert "text_projection" in line
    assert str(weights) in line


def test_missing_weights_file_and_missing_tag(tmp_path, pictures):
    task = f"classification:{pictures}"
    assert "nowhere.pt" in fail(
        "--model", "tiny-clip", "--weights", tmp_path / "nowhere.pt", "--task", task, folder=tmp_path
    )
    assert "--weights" in fail("--model", "open_clip:ViT-B-32", "--task", task, folder=tmp_path)


def test_a_card_with_mistakes_tells_all_of_them(tmp_path):
    cards = tmp_path / "more" / "tasks"
    cards.mkdir(parents=True)
    (cards / "bad.yaml").write_text("title: Bad\nkind: clasification\nsurces: []\n")
    line = fail("--model", "tiny-clip", "--task", "bad", "--include-path", tmp_path / "more", folder=tmp_path)
    assert "bad.yaml" in line
    assert "surces" in line


def test_batch_size_and_device(tmp_path):
    assert "--batch-size 'many'" in fail(
        "--model", "tiny-clip", "--task", "digits", "--batch-size", "many", folder=tmp_path
    )
    command = ("--model", "tiny-clip", "--task", "digits", "--device", "nonsense")
    assert "nonsense" in fail(*command, folder=tmp_path)
