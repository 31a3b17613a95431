"""The checkpoints of a training run: rows by step, and the best by a validation split."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL.Image import new
from safetensors.torch import load_file, save_file

import vlbench
from vlbench.api.runs import rebuild_leaderboards, run
from vlbench.api.training_run import files_by_step
from vlbench.core.errors import VlbenchError, WeightsError
from vlbench.options import Options
from vlbench.report.tables.leaderboard import write_leaderboards

TINY = Path(__file__).parents[3] / "model_cards" / "tiny-clip" / "open_clip_model.safetensors"
CARD = """
title: Colours
kind: classification
protocol: colours
templates: templates.txt
sources: [{{kind: folder, path: test}}]
{validation}metrics: [acc1]
primary: acc1
"""
COLOURS = {"red": "red", "blue": "blue", "green": "green"}


@pytest.fixture
def asked(tmp_path):
    """Checkpoints 2, 9 and 10, of which 9 is tiny-clip, and tasks with and without a validation split."""
    data = tmp_path / "data"
    for split, side in (("test", 40), ("validation", 48)):
        for colour in COLOURS:
            (data / split / f"{colour} square").mkdir(parents=True)
            image = new("RGB", (64, 64), "grey")
            image.paste(colour, (8, 8, side, side))
            image.save(data / split / f"{colour} square" / "1.png")
    cards = tmp_path / "cards"
    cards.mkdir()
    (cards / "templates.txt").write_text("a {}\n")
    split = "validation: {sources: [{kind: folder, path: validation}]}\n"
    (cards / "colours.yaml").write_text(CARD.format(validation=split))
    (cards / "plain.yaml").write_text(CARD.format(validation=""))
    state = load_file(TINY)
    (tmp_path / "run").mkdir()
    for step, kept in ((10, 0.0), (2, -1.0), (9, 1.0)):
        name = next(each for each in state if each.endswith("text_projection"))
        save_file({**state, name: state[name] * kept + 1e-3}, tmp_path / "run" / f"epoch_{step}.safetensors")
    return {
        "weights": str(tmp_path / "run" / "epoch_*.safetensors"),
        "include_path": str(cards),
        "data_root": str(data),
        "cache": tmp_path / "cache",
        "results": tmp_path / "results",
        "device": "cpu",
        "workers": 0,
    }


@pytest.mark.slow
def test_checkpoints_are_rows_by_step_and_the_best_is_that_of_the_validation_split(asked, tmp_path):
    said: list[str] = []
    read = Options.of(asked)
    found = list(run("tiny-clip", ("colours", "plain"), read, tell=said.append))
    assert [each.model for each in found] == [f"tiny-clip@{step}" for step in (2, 2, 9, 9, 10, 10)]
    assert len({each.digests["model"] for each in found}) == 3
    alone = vlbench.evaluate("tiny-clip", "colours", **{**asked, "weights": None, "results": None})
    assert found[2].metric("nll").value == pytest.approx(alone[0].metric("nll").value, abs=0.05)
    scores = {
        each.settings["step"]: each.learned["validation_acc1"] for each in found if each.task == "colours"
    }
    assert scores[9] > max(scores[2], scores[10])
    assert said[-2:] == [
        "tiny-clip on colours: step 9 is the best of 3 by acc1 on the validation split, "
        f"{scores[9]:.4f}; on the test split {found[2].score:.4f}",
        "tiny-clip on plain: no best step is chosen without scores on a validation split",
    ]
    rebuild_leaderboards(read)
    lines = (tmp_path / "results" / "steps.csv").read_text().splitlines()
    assert lines[0] == "task,metric,model,step,value,low,high,validation,best"
    acc1 = [line.split(",") for line in lines if line.startswith("colours,acc1")]
    assert [(line[3], line[-1]) for line in acc1] == [("2", ""), ("9", "1"), ("10", "")]
    frame = vlbench.evaluate("tiny-clip", "colours", **asked).steps()
    marked = frame[frame["best"]]
    assert set(marked["step"]) == {9}
    assert marked["validation"].dropna().tolist() == [pytest.approx(scores[9])]
    write_leaderboards(tmp_path / "results", plot=True)
    drawn = (tmp_path / "results" / "colours.steps.svg").read_text()
    titles = [each.text for each in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}title")]
    assert f"tiny-clip, step 9, the best by the validation split: {100 * found[2].score:.1f}" in " ".join(
        titles
    )
    assert len(re.findall('class="best"', drawn)) == 2  # a ring, and the one in the legend


@pytest.mark.parametrize(
    ("names", "steps"),
    [
        (["epoch_2.pt", "epoch_10.pt"], [2, 10]),
        (["epoch=0-step=100.ckpt", "epoch=1-step=20.ckpt"], [20, 100]),
        (["a/7/model.pt", "a/30/model.pt"], [7, 30]),
        (["vit_b32_100.pt", "vit_b32_90.pt"], [90, 100]),
        (["only_5.pt"], [5]),
        (["step_4/epoch_1.pt", "step_4/epoch_3.pt"], [1, 3]),
    ],
)
def test_the_step_is_the_number_that_differs(names, steps, tmp_path):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    pattern = tmp_path / ("*" + "/*" * names[0].count("/"))
    assert list(files_by_step(pattern)) == steps


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], r"\*: no file matches"),
        (["epoch_1.pt", "epoch_latest.pt"], r"epoch_latest.pt: holds fewer numbers than others of .*narrow"),
        (
            ["epoch_1_loss_3.pt", "epoch_2_loss_4.pt"],
            "2 numbers differ between the names; name the",
        ),
        (["lr1e-5_step2.pt", "lr1e-4_step2.pt"], "several files are of step 2"),
        (["step_900.pt", "step_10k.pt"], r"step_10k.pt: its step goes on behind the digits; name it in"),
        (["9_000.pt", "10_000.pt"], "10_000.pt: its step goes on"),
        (["epoch1.75.pt", "epoch2.5.pt"], "epoch1.75.pt: its step goes on|numbers differ"),
        (["a_1.pt", "a_01.pt"], "several files are of step 1; narrow the pattern"),
    ],
)
def test_names_that_tell_no_step_are_refused(names, message, tmp_path):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(WeightsError, match=message):
        files_by_step(tmp_path / "*")


def test_what_takes_one_model_refuses_a_pattern(tmp_path):
    with pytest.raises(VlbenchError, match="is a pattern, and one file is wanted here; name it"):
        vlbench.load_model("tiny-clip", weights=tmp_path / "epoch_*.pt")
