"""Options of the API: what is none of the known words is refused before anything is found or loaded."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from PIL import Image

from vlbench import fit_coop, load_model
from vlbench.api.outlier_detection import ood
from vlbench.api.prompt_sweep import sweep_prompts
from vlbench.api.request import resolve
from vlbench.cards.yaml_file import read_mapping
from vlbench.core.contracts import Precision, PreprocessMode
from vlbench.core.errors import DataError, VlbenchError
from vlbench.core.method import ZERO_SHOT
from vlbench.engine.settings import ExecutorName
from vlbench.options import DEFAULTS, FLAGS, Keywords, Options

OPTIONS = {"device": "cpu", "method": "best-f1"}


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda: ood("tiny-clip", "shapes", "digits", **OPTIONS), "ood"),
        (lambda: sweep_prompts("tiny-clip", "digits", **OPTIONS), "sweep-prompts"),
        (lambda: list(fit_coop("tiny-clip", "shapes", **OPTIONS)), "fit"),
        (lambda: load_model("tiny-clip", **OPTIONS), "load_model"),
    ],
)
def test_what_takes_no_method_refuses_one_and_does_not_pass_it_over(call, what) -> None:
    with pytest.raises(VlbenchError, match=f"^{what} takes no method; leave best-f1 out$"):
        call()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "float16"}, "precision is 'float16'; give fp32 or bf16 or fp16"),
        ({"preprocess": "slow"}, "preprocess is 'slow'; give exact or fast"),
        ({"limit": 0}, "^0 is no limit: give a whole number of images, 1 or more, or a fraction"),
        ({"limit": 1.0}, r"^1\.0 is no limit"),
        ({"limit": float("nan")}, "^nan is no limit"),
        ({"limit": True}, "^True is no limit"),
        ({"limit": [8]}, r"^\[8\] is no limit"),
        ({"batch_size": "9" * 5000}, "is neither auto nor a number of 1 or more"),
        ({"thresholds": "best-f1"}, "best-f1 is a method.*: pass --method best-f1"),
        ({"method": "best-f2"}, "best-f1"),
        ({"method": "best-f1:shots=4"}, "shots"),
        ({"presicion": "fp32"}, "no option named 'presicion'; did you mean precision?"),
        ({"batch_size": 4.5}, r"batch_size is 4\.5; give a whole number"),
        ({"batch_size": [4]}, r"batch_size is \[4\]; give a whole number"),
        ({"workers": True}, "workers is True; give a whole number"),
        ({"workers": "many"}, "workers is 'many'; give a whole number"),
        ({"seed": "a"}, "seed is 'a'; give a whole number"),
        ({"allow_subset": "no"}, "allow_subset is 'no'; give True or False"),
        ({"share": 3}, "share is 3; give a text"),
        ({"method": 3}, "method is 3; give a name or several"),
        ({"results": True}, "results is True; give the path of a folder"),
        ({"results": __file__}, r"results is .*test_options\.py, a file; give a folder"),
        ({"cache": __file__}, r"cache is .*test_options\.py, a file; give a folder"),
        ({"results": "kept", "cache": "./kept"}, "^results and cache are one folder, kept; name two"),
        ({"classnames": ["a", "b"]}, r"classnames is \['a', 'b'\]; give the path of a file"),
        (
            {"data_root": {"imagenet": "/x"}},
            "data_root is a mapping; give task_roots one, or a list of folders",
        ),
        ({"data_root": 3}, "data_root is 3; give the path of a folder, or several"),
        ({"data_root": [3]}, "data_root is 3; give the path of a folder"),
        ({"task_roots": ["/x"]}, r"task_roots is \['/x'\]; give a mapping of tasks to folders"),
    ],
)
def test_what_no_run_could_mean_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(VlbenchError, match=message):
        resolve("tiny-clip", "shapes", Options.of({"device": "cpu", **options}))  # type: ignore[typeddict-item]


def test_an_option_is_a_keyword_and_a_flag_and_has_one_name() -> None:
    assert Keywords.__annotations__.keys() == DEFAULTS.keys()
    assert DEFAULTS.keys() - FLAGS.keys() == {"task_roots"}
    assert {name: flag.choices for name, flag in FLAGS.items() if flag.choices} == {
        "executor": get_args(ExecutorName),
        "precision": get_args(Precision),
        "preprocess": get_args(PreprocessMode),
    }
    assert DEFAULTS["method"] == (ZERO_SHOT.name,)


def test_a_task_has_its_own_folder_by_a_keyword_or_among_the_roots(tmp_path: Path) -> None:
    (tmp_path / "a=b").mkdir()
    read = Options.of({"data_root": ["data", "pets=here", tmp_path / "a=b"], "task_roots": {"dtd": "there"}})
    assert read.data_root == (Path("data"), tmp_path / "a=b")
    assert read.task_roots == {"dtd": Path("there"), "pets": Path("here")}
    assert Options.of({"data_root": "data"}).data_root == (Path("data"),)
    assert Options.of({"data_root": "pets=here"}).task_roots == {"pets": Path("here")}
    assert Options.of({"include_path": "cards"}).include_path == (Path("cards"),)
    assert Options.of({"method": "ridge"}).method == ("ridge",)


def test_options_are_taken_in_the_types_that_programs_have(tmp_path: Path) -> None:
    read = Options.of(
        {  # type: ignore[typeddict-item]
            "batch_size": np.int64(4),
            "workers": np.float32(2),
            "seed": np.uint8(7),
            "feature_bytes": 8e9,
            "save_predictions": np.bool_(True),
            "device": torch.device("cuda", 1),
            "thresholds": np.float64(0.5),
            "data_root": np.array(["data"]),
            "results": "~/results",
            "task_roots": {"pets": "~/pets"},
        }
    )
    assert [type(read.batch_size), type(read.workers), type(read.seed)] == [int] * 3
    assert (read.batch_size, read.workers, read.seed, read.feature_bytes) == (4, 2, 7, 8_000_000_000)
    assert (read.save_predictions, read.device, read.thresholds) == (True, "cuda:1", "0.5")
    assert read.data_root == (Path("data"),)
    assert (read.results, read.task_roots["pets"]) == (Path.home() / "results", Path.home() / "pets")


def test_what_is_none_has_its_default(tmp_path: Path) -> None:
    none = dict.fromkeys(DEFAULTS)
    assert Options.of(none | {"cache": tmp_path}) == Options(cache=tmp_path)  # type: ignore[arg-type]


@pytest.fixture
def twins(tmp_path: Path) -> Path:
    """Two folders of one name, whose files have equal names and sizes and other pixels."""
    colours = {"red": (255, 0, 0), "blue": (0, 0, 255)}
    for place, shown in (
        ("a", dict(colours)),
        ("b", dict(zip(colours, reversed(colours.values()), strict=True))),
    ):
        for name, colour in shown.items():
            folder = tmp_path / place / "test" / name
            folder.mkdir(parents=True)
            Image.new("RGB", (8, 8), colour).save(folder / "1.bmp")
    return tmp_path


def test_two_data_sets_of_one_name_in_one_request_are_refused(twins: Path) -> None:
    asked = [f"classification:{twins}/{place}/test" for place in "ab"]
    with pytest.raises(DataError, match=r"a/test and .*b/test are both classification:test@.*; rename one"):
        resolve((), asked, Options())


def test_a_folder_that_is_asked_for_twice_is_one_task(twins: Path) -> None:
    (twins / "link").symlink_to(twins / "a")
    asked = [f"classification:{twins}/{place}" for place in ("a/test", "a/test/", "a/../a/test", "link/test")]
    _, tasks = resolve((), asked, Options())
    assert len(tasks) == 1


@pytest.mark.parametrize("task", ["shapes-matching", "shapes-retrieval"])
def test_names_are_refused_where_a_task_asks_by_the_texts_of_its_data(task: str, tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text("a\nb\n")
    told = (
        rf"^{task}\+classnames@[0-9a-f]{{6}}: asks by its data's own texts, and by no name of .*own.txt; run"
    )
    with pytest.raises(DataError, match=told):
        resolve("tiny-clip", task, Options(classnames=own, limit=9))


@pytest.mark.slow
def test_a_card_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(path: Path) -> dict[str, object]:
        read.append(path.name)
        return read_mapping(path)

    monkeypatch.setattr("vlbench.cards.yaml_file.read_mapping", counted)
    (model,), (task,) = resolve("tiny-clip", "shapes-tags", Options(method=("best-f1",)))
    assert {"shapes-tags.yaml", "tiny-clip.yaml"} <= set(read)
    assert len(read) == len(set(read))
    assert (model.card and model.card.adapter, task.card and task.card.kind) == ("clip", "tagging")
