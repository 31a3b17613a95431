"""A dry run says what a run would encode; it loads no weights, opens no image and writes no result."""

from pathlib import Path

import pytest

import vlbench
from vlbench.api.dry_run import dry_run
from vlbench.cli.main import main
from vlbench.models.clip.checkpoint import ClipCheckpoint
from vlbench.options import Options

SMALL = {"limit": 40, "device": "cpu", "workers": 0}


@pytest.mark.slow
def test_the_plan_says_what_is_stored_and_how_long_the_rest_takes_by_past_rates(tmp_path: Path, monkeypatch):
    where = {"cache": tmp_path / "c", "results": tmp_path / "r"}
    vlbench.evaluate("tiny-clip", "digits", **{**SMALL, "limit": 8}, **where)
    written = {path for path in tmp_path.rglob("*") if "remembered" not in path.parts}
    monkeypatch.delattr(ClipCheckpoint, "load")
    asked = Options.of({**SMALL, **where})
    images, *others = dry_run("tiny-clip", ["digits", "shapes"], asked)
    (result,) = vlbench.evaluate("tiny-clip", "digits", **{**SMALL, "limit": 8}, **where)
    rate = result.timing.images_encoded / result.timing.encode_images_seconds
    assert (images.of, images.tasks) == ("images of digits", ("digits",))
    assert images.stored + images.to_encode == 40
    assert images.size == images.to_encode * 128 * 4
    assert images.seconds == pytest.approx(images.to_encode / rate)
    # the words of digits are stored
    assert [(each.of, each.tasks, each.stored) for each in others] == [
        ("images of shapes/single-test", ("shapes",), 0),
        ("texts", ("shapes",), 10),
    ]
    assert {path for path in tmp_path.rglob("*") if "remembered" not in path.parts} == written
    # at another precision nothing is known
    (first, *_) = dry_run("tiny-clip", "digits", Options.of({**SMALL, **where, "precision": "bf16"}))
    assert (first.to_encode, first.size, first.seconds) == (40, None, None)


def test_the_command_prints_the_plan_and_what_a_run_would_refuse(tmp_path: Path, capsys) -> None:
    where = ["--cache", str(tmp_path / "c"), "--results", str(tmp_path / "r"), "--limit", "8"]
    with pytest.raises(SystemExit) as stop:
        main(["run", "-m", "tiny-clip", "-t", "digits,imagenet", "--device", "cpu", *where, "--dry-run"])
    said = capsys.readouterr()
    assert stop.value.code == 1
    assert said.out.endswith("at most 8 images and 10 texts to encode; nothing was run\n")
    assert "vlbench: refused: imagenet: no data found" in said.err
    assert not (tmp_path / "r").exists()
