"""A request goes on where one of its pairs cannot run, and says at the end what failed and why."""

import weakref
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vlbench
from vlbench.api.failures import Failures
from vlbench.api.runs import run
from vlbench.cli.main import main
from vlbench.core.errors import DataError, LacksMemory, WeightsError
from vlbench.engine.executors.local import LocalExecutor
from vlbench.models.clip.checkpoint import ClipCheckpoint
from vlbench.options import Options

SMALL = {"limit": 4, "device": "cpu", "workers": 0}


@pytest.fixture
def photos(tmp_path: Path) -> str:
    """A folder of two classes, one image of which is damaged."""
    for name in ("red", "blue"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        Image.new("RGB", (64, 64), name).save(tmp_path / "photos" / name / "a.png")
    damaged = tmp_path / "photos" / "red" / "b.png"
    damaged.write_bytes((tmp_path / "photos" / "red" / "a.png").read_bytes()[:60])
    return f"classification:{tmp_path / 'photos'}"


def test_data_that_are_not_there_leave_the_other_tasks_their_rows(tmp_path: Path, capsys) -> None:
    where = ["--results", str(tmp_path / "r"), "--cache", str(tmp_path / "c"), "--limit", "4"]
    with pytest.raises(SystemExit) as stop:
        main(["run", "-m", "tiny-clip", "-t", "digits,imagenet,shapes", "--device", "cpu", *where])
    said = capsys.readouterr()
    assert stop.value.code == 1, said.err
    assert [line.split()[1] for line in said.out.splitlines()[2:4]] == ["digits*", "shapes*"]
    told = [line for line in said.err.splitlines() if "imagenet: no data found: " in line]
    assert [line.partition("imagenet")[0] for line in told] == ["refused: ", "vlbench: refused: "]
    # at once, before anything has run
    assert said.err.index("refused: imagenet") < said.err.index("tiny-clip on digits: done")


def test_fail_fast_ends_at_the_first_as_does_a_request_of_one_pair(tmp_path: Path) -> None:
    asked = {**SMALL, "cache": tmp_path}
    for tasks, more in ((["imagenet", "digits"], {"fail_fast": True}), (["imagenet"], {})):
        with pytest.raises(DataError, match=r"^imagenet: no data found"):
            vlbench.evaluate("tiny-clip", tasks, **asked, **more)
    assert not (tmp_path / "features").exists()


def test_what_fails_while_running_is_told_with_the_results_of_the_others(tmp_path: Path, photos: str) -> None:
    asked = {**SMALL, "cache": tmp_path / "c"}
    with pytest.raises(vlbench.NotAllRun) as caught:
        vlbench.evaluate(["tiny-clip", "tiny-react"], [photos, "shapes-matching"], **asked)
    assert [(each.model, each.task) for each in caught.value.results] == [
        ("tiny-clip", "shapes-matching"),
        ("tiny-react", "shapes-matching"),
    ]
    (line,) = caught.value.failed  # one reason, of both models
    assert line.startswith("failed: tiny-clip on classification:photos@")
    assert "tiny-react on classification:photos@" in line
    assert str(tmp_path / "photos" / "red" / "b.png") in line


def test_weights_that_do_not_load_are_read_once_and_stop_no_other_model(tmp_path: Path, monkeypatch) -> None:
    tried: list[str] = []
    load = ClipCheckpoint.load

    def damaged(self, placement):
        tried.append(self.name)
        if self.name == "tiny-clip":
            raise WeightsError("open_clip_model.safetensors: ends in the middle")
        return load(self, placement)

    monkeypatch.setattr(ClipCheckpoint, "load", damaged)
    told: list[str] = []
    found = run(
        ["tiny-clip", "tiny-react"],
        ["digits", "shapes"],
        Options.of({**SMALL, "cache": tmp_path}),
        tell=told.append,
    )
    rows = []
    with pytest.raises(vlbench.NotAllRun, match="tiny-clip on digits, tiny-clip on shapes: open_clip_model"):
        rows.extend((result.model, result.task) for result in found)
    assert tried.count("tiny-clip") == 1
    assert rows == [("tiny-react", "digits"), ("tiny-react", "shapes")]
    assert [line for line in told if line.startswith("failed: ")] == [
        "failed: tiny-clip on digits: open_clip_model.safetensors: ends in the middle",
        "failed: tiny-clip on shapes: as tiny-clip on digits",
    ]


def test_files_of_a_model_are_looked_for_once_for_all_tasks(tmp_path: Path, monkeypatch) -> None:
    asked: list[str] = []

    def missing(self):
        asked.append(self.name)
        raise WeightsError("not on this machine")

    monkeypatch.setattr(ClipCheckpoint, "identify", missing)
    with pytest.raises(WeightsError):
        vlbench.evaluate("tiny-clip", ["digits", "shapes"], **SMALL, cache=tmp_path)
    assert asked == ["tiny-clip"]


@pytest.mark.parametrize(
    ("error", "goes_on"),
    [
        (MemoryError("no"), True),
        (OSError(28, "No space left on device", "/x"), False),
        (KeyError("x"), False),
    ],
)
def test_a_lack_of_memory_is_of_one_pair_and_a_full_disk_of_all(
    tmp_path: Path, monkeypatch, error: Exception, goes_on: bool
) -> None:
    encode = LocalExecutor.encode_texts
    calls: list[int] = []

    def fails_once(self, texts):
        calls.append(len(texts))
        if len(calls) == 1:
            raise error
        return encode(self, texts)

    monkeypatch.setattr(LocalExecutor, "encode_texts", fails_once)
    with pytest.raises(vlbench.NotAllRun if goes_on else type(error)) as caught:
        vlbench.evaluate("tiny-clip", ["digits", "shapes"], **SMALL, cache=tmp_path)
    if goes_on:
        assert caught.match("too little memory to run tiny-clip on digits")
        assert [each.task for each in caught.value.results] == ["shapes"]


def test_a_failure_that_is_kept_holds_nothing_of_what_failed() -> None:
    failures, held = Failures(lambda _: None, asked=2), []

    def fails() -> None:
        tensor = np.zeros(8)
        held.append(weakref.ref(tensor))
        try:
            raise MemoryError
        except MemoryError as error:
            raise LacksMemory("too little") from error

    with failures.running("a on b"):
        fails()
    assert held[0]() is None
    with pytest.raises(LacksMemory, match="too little"):
        failures.raise_found()


def test_nothing_that_could_be_run_is_told_reason_by_reason(tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["run", "-m", "tiny-clip", "-t", "imagenet,food101", "--cache", str(tmp_path)])
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("vlbench: ")]
    assert stop.value.code == 2
    assert [line.split()[2] for line in lines] == ["imagenet:", "food101:"]


def test_missing_shows_what_it_left_out(tmp_path: Path, photos: str, capsys) -> None:
    (tmp_path / "photos" / "red" / "b.png").unlink()
    where = ["--results", str(tmp_path / "r"), "--cache", str(tmp_path / "c"), "--device", "cpu"]
    said = []
    for tasks in (photos, f"{photos},imagenet"):
        with pytest.raises(SystemExit) as stop:
            main(["run", "-m", "tiny-clip", "-t", tasks, *where, "--missing"])
        said.append((stop.value.code, capsys.readouterr()))
    (_, first), (code, again) = said
    assert "0 of 1 already there" in first.err
    assert "1 of 1 already there" in again.err
    assert again.out == first.out
    # what is there counts as done
    assert code == 1
