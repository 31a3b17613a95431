"""`vlbench fit` by its command line: what is learned and a card, taken by name."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from vlbench.cli.fit import command
from vlbench.cli.main import main
from vlbench.core.errors import VlbenchError

TINY = Path(__file__).parents[3] / "model_cards" / "tiny-clip" / "open_clip_model.safetensors"


@pytest.mark.parametrize(
    "asked", ["coop --task digits", "react --pairs shapes-pool --mode locked-text"], ids=["coop", "react"]
)
def test_several_models_are_refused_in_a_line(asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["fit", *asked.split(), "--model", "tiny-ram-plus*"])
    assert done.value.code == 2
    assert capsys.readouterr().err == "vlbench: fit takes one model, not 2; name one\n"


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.parametrize("value", ["", "two", "1,x", "-1", "9" * 5000])
def test_shots_that_are_no_numbers_are_refused(value: str) -> None:
    arguments = ["coop", "-m", "tiny-clip", "-t", "shapes", "--shots", value]
    answer = CliRunner().invoke(command, arguments)
    assert isinstance(answer.exception, VlbenchError)
    assert "--shots" in str(answer.exception)


def folder_of(path: Path, seed: int, names: str = "{}.png") -> Path:
    """Six pictures of each of two classes."""
    random = np.random.default_rng(seed)
    for label, colour in (("red", (220, 30, 30)), ("blue", (40, 60, 220))):
        (path / label).mkdir(parents=True)
        for number in range(6):
            noise = random.normal(0, 20, (40, 48, 3))
            pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(path / label / names.format(number))
    return path


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str], tuple[int, str, str]]:
    """Runs a command line of vlbench with a cache of its own; the answer is (exit code, stdout, stderr)."""

    def call(line: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as done:
            main([*line.split(), "--device", "cpu", "--cache", str(tmp_path / "cache")])
        said = capsys.readouterr()
        return int(done.value.code or 0), said.out, said.err

    return call


QUICK = "--shots 4 --n-ctx 2 --epochs 1 --features frozen"


@pytest.mark.slow
def test_images_that_a_context_learned_from_are_no_test_of_it(
    tmp_path: Path, call: Callable[[str], tuple[int, str, str]]
) -> None:
    own, test = folder_of(tmp_path / "own", 0), folder_of(tmp_path / "test", 1)
    # the same bytes, another name for each file
    copy = folder_of(tmp_path / "copy", 0, "renamed_{}.png")
    where = f"--include-path {tmp_path}/fitted --results {tmp_path}/results"
    code, said, _ = call(f"fit coop -m tiny-clip -t classification:{own} {QUICK} --out {tmp_path}/fitted")
    assert code == 0
    name = said.partition(":")[0]
    # the hint does not test on the images that it was fitted on
    assert str(own) not in said
    assert f"--model {name} --task classification:OTHER_IMAGES" in said
    for folder in (own, copy):
        code, _, complained = call(f"run -m {name} -t classification:{folder} {where}")
        read, complained = complained.splitlines()
        assert code == 2
        assert "12 images" in read
        assert "8 of 12 test images are among those that it learned from" in complained
        assert "--allow-seen-images" in complained
    assert not (tmp_path / "results").exists()
    code, _, complained = call(f"run -m {name} -t classification:{copy} {where} --allow-seen-images")
    assert code == 0
    assert "8 of 12 test images are among those that it learned from: no zero-shot result" in complained
    (path,) = (tmp_path / "results").glob("*/*.json")
    result = json.loads(path.read_text())
    assert (result["zero_shot"], result["seen_images"]) == ("no", 8)
    assert "learned_from" in result["digests"]
    code, _, _ = call(f"run -m {name} -t classification:{test} {where}")
    assert code == 0
    (found,) = (
        json.loads(each.read_text()) for each in (tmp_path / "results").glob("*/*.json") if each != path
    )
    assert (found["zero_shot"], found["seen_images"]) == ("unknown", 0)


def test_a_card_whose_training_split_is_its_test_split_is_found_out(
    tmp_path: Path, call: Callable[[str], tuple[int, str, str]]
) -> None:
    folder_of(tmp_path / "cards" / "pictures", 0)
    source = "[{kind: folder, path: pictures}]"
    (tmp_path / "cards" / "leaky.yaml").write_text(
        f"title: leaky\nkind: classification\nprotocol: own\nsources: {source}\nmetrics: [acc1]\n"
        f"primary: acc1\ndata: [leaky]\ntrain:\n  sources: {source}\n"
    )
    include = f"--include-path {tmp_path}/cards"
    roots = f"--data-root {tmp_path}/cards"
    code, said, complained = call(
        f"fit coop -m tiny-clip -t leaky {QUICK} --out {tmp_path}/cards {include} {roots}"
    )
    assert code == 0, complained
    assert "--task leaky" not in said
    assert "8 test images of leaky are among those that it learned from" in complained
    name = said.partition(":")[0]
    assert "trained_on: [" in (tmp_path / "cards" / f"{name}.yaml").read_text()
    code, _, complained = call(f"run -m {name} -t leaky {include} {roots} --results {tmp_path}/results")
    assert code == 2
    assert "8 of 12 test images are among those that it learned from" in complained


@pytest.mark.slow
def test_a_context_fitted_on_a_tasks_data_is_not_zero_shot_there(
    tmp_path: Path, call: Callable[[str], tuple[int, str, str]]
) -> None:
    fitted = f"{tmp_path}/fitted"
    code, said, _ = call(f"fit coop -m tiny-clip -t shapes {QUICK} --out {fitted}")
    assert code == 0
    assert "--task shapes" in said
    name = said.partition(":")[0]
    tasks = "shapes,digits"
    results = tmp_path / "results"
    assert call(f"run -m {name} -t {tasks} --limit 16 --include-path {fitted} --results {results}")[0] == 0
    found = {each.parent.name: json.loads(each.read_text())["zero_shot"] for each in results.glob("*/*.json")}
    assert found["shapes"] == "no"
    assert found["digits"] == zero_shot_of_base(call, results)


def zero_shot_of_base(call: Callable[[str], tuple[int, str, str]], results: Path) -> str:
    call(f"run -m tiny-clip -t digits --limit 16 --results {results}")
    flag = json.loads((results / "digits" / "tiny-clip.partial.json").read_text())["zero_shot"]
    assert isinstance(flag, str)
    return flag


@pytest.mark.slow
def test_a_model_tuned_on_pairs_is_a_model_by_name_and_no_test_of_them(
    tmp_path: Path, call: Callable[[str], tuple[int, str, str]]
) -> None:
    pairs, copy, other = (
        captioned(folder_of(tmp_path / name, seed)) for name, seed in (("own", 0), ("copy", 0), ("other", 1))
    )
    fitted = f"{tmp_path}/fitted"
    fit = "fit react -m tiny-clip --mode locked-text --batch-size 6 --warm-up 1 --epochs 1"
    code, said, complained = call(f"{fit} --pairs {pairs} --validate retrieval:{other} --out {fitted}")
    assert code == 0, complained
    assert "12 images; 12 captions" in complained
    name, _, scored = said.partition(": ")
    assert "image_retrieval_recall@1 of retrieval:other@" in scored
    assert f"vlbench run --include-path {fitted} --model {name} --task TASK" in said
    where = f"--include-path {fitted} --results {tmp_path}/results"
    code, _, complained = call(f"run -m {name} -t retrieval:{copy} {where}")
    assert code == 2
    assert "12 of 12 test images are among those that it learned from" in complained
    assert call(f"run -m {name} -t retrieval:{other},shapes --limit 4 {where}")[0] == 0
    results = [json.loads(each.read_text()) for each in (tmp_path / "results").glob("*/*.json")]
    # tiny-clip alone is zero-shot on both: who knows what own pairs hold
    assert [each["zero_shot"] for each in results] == ["unknown", "unknown"]
    assert all("learned_from" in each["digests"] for each in results)


def captioned(folder: Path) -> Path:
    lines = [
        json.dumps({"file_name": str(path.relative_to(folder)), "text": f"{path.parent.name} {path.stem}"})
        for path in sorted(folder.glob("*/*.png"))
    ]
    (folder / "metadata.jsonl").write_text("\n".join(lines))
    return folder


def test_a_fit_without_enough_steps_is_refused_before_anything_is_loaded(
    tmp_path: Path, call: Callable[[str], tuple[int, str, str]]
) -> None:
    pairs = captioned(folder_of(tmp_path / "own", 0))
    code, _, complained = call(f"fit react -m tiny-clip --pairs {pairs} --mode locked-text")
    assert code == 2
    assert "12 pairs in batches of 4096 make 32 steps" in complained
    assert not (tmp_path / "cache" / "images").exists()
