"""`vlbench fit coop` by its command line: a context and a card, taken by name."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from vlbench.cli.fit import command
from vlbench.cli.main import main
from vlbench.core.errors import VlbenchError

TINY = Path(__file__).parents[3] / "model_cards" / "tiny-clip" / "open_clip_model.safetensors"


def test_a_fitted_context_is_a_model_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit = ["fit", "coop", "--model", "tiny-clip", "--task", "shapes", "--shots", "1", "--seed", "1,2"]
    quick = ["--n-ctx", "4", "--epochs", "2", "--features", "frozen"]
    place = ["--out", str(tmp_path / "fitted"), "--cache", str(tmp_path / "cache"), "--device", "cpu"]
    with pytest.raises(SystemExit) as done:
        main([*fit, *quick, *place])
    assert done.value.code == 0
    printed = capsys.readouterr().out
    row = "coop-tiny-clip-shapes-1shot-ctx4-frozen-ep2"
    assert f"{row}-seed1: loss " in printed
    with pytest.raises(SystemExit) as done:
        main(
            f"run --model {row}-seed1,{row}-seed2 --task shapes --device cpu "
            f"--include-path {tmp_path}/fitted --results {tmp_path}/results --cache {tmp_path}/cache".split()
        )
    assert done.value.code == 0
    header, only = (tmp_path / "results" / "leaderboard.csv").read_text().splitlines()
    assert header.startswith("model,shapes")
    assert only.startswith(f"{row},")
    assert (tmp_path / "results" / "seeds.csv").is_file()


def test_a_base_with_weights_of_the_users_own_is_found_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "mine.safetensors"
    shutil.copy(TINY, weights)
    place = f"--cache {tmp_path}/cache --device cpu"
    for line in (
        f"fit coop -m tiny-clip -t shapes --weights {weights} --shots 1 --n-ctx 2 --epochs 1 "
        f"--features frozen --out {tmp_path}/fitted {place}",
        f"run -m coop-tiny-clip@* -t shapes --limit 16 --include-path {tmp_path}/fitted "
        f"--results {tmp_path}/results {place}",
    ):
        with pytest.raises(SystemExit) as done:
            main(line.split())
        assert done.value.code == 0, capsys.readouterr().err
    (path,) = tmp_path.glob("results/shapes/*.json")
    assert "mine.safetensors" in json.loads(path.read_text())["weights"]


def test_a_task_without_a_training_split_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as done:
        main(["fit", "coop", "-m", "tiny-clip", "-t", "digits", "--cache", str(tmp_path)])
    assert done.value.code == 2
    assert "digits: its card names no training split" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["", "two", "1,x", "-1"])
def test_shots_that_are_no_numbers_are_refused(value: str) -> None:
    arguments = ["coop", "-m", "tiny-clip", "-t", "shapes", "--shots", value]
    answer = CliRunner().invoke(command, arguments)
    assert isinstance(answer.exception, VlbenchError)
    assert "--shots" in str(answer.exception)
