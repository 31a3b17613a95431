"""Matchings as they are published, run from made files of their true counts, beside published scores."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from card_layouts import png

from vlbench import evaluate
from vlbench.cli.main import main
from vlbench.report.results import write_result

SOURCE = "github.com/ytaek-oh/vl_compo, individual_results.csv (arXiv 2406.09388)"


def sugarcrepe(root: Path) -> None:
    """245 items of one image, whose wrong captions have other words."""
    items = {
        str(key): {"filename": "1.jpg", "caption": f"a {key} b", "negative_caption": f"b {key} a"}
        for key in range(245)
    }
    write(root / "sugar-crepe" / "data" / "swap_obj.json", json.dumps(items))
    picture(root / "val2017" / "1.jpg")


def winoground(root: Path) -> None:
    """400 items of two images and two captions."""
    lines = [
        {
            "id": key,
            **{f"image_{k}": f"{key}_{k}" for k in (0, 1)},
            **{f"caption_{k}": text for k, text in enumerate(("a cat", "a dog"))},
            "collapsed_tag": "Object",
        }
        for key in range(400)
    ]
    write(root / "winoground" / "data" / "examples.jsonl", "\n".join(map(json.dumps, lines)))
    for key in range(400):
        for k in (0, 1):
            picture(root / "winoground" / "data" / "images" / f"{key}_{k}.png", k)


def mmvp(root: Path) -> None:
    """135 pairs of images with a statement each; the order of the lines says which pattern a pair has."""
    head, *lines = "Question ID,Type,Statement", *(f"{key},Texts,statement {key}" for key in range(1, 271))
    write(root / "MMVP_VLM" / "Questions.csv", "\n".join([head, *lines]))
    for key in range(1, 271):
        picture(root / "MMVP_VLM" / "MLLM_VLM Images" / "Texts" / f"{key}.jpg", key % 2)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def picture(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(seed))


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Whole results of a model on three sets, from files that were made."""
    root = tmp_path_factory.mktemp("data")
    for make in (sugarcrepe, winoground, mmvp):
        make(root)
    cache = tmp_path_factory.mktemp("cache")
    names = ["sugarcrepe-swap-obj", "winoground", "mmvp-vlm"]
    found = evaluate("tiny-clip", names, data_root=[root], cache=cache, results=root / "results")
    assert [each.partial for each in found] == ["", "", ""]
    return {each.task: each for each in found}


@pytest.fixture
def verdicts(measured, capsys, tmp_path_factory):
    """What `vlbench verify` says of a model's published scores beside the results with other values.

    Values are by task and metric; the fields of a task's results may be changed.
    """

    def say(values, **fields):
        folder = tmp_path_factory.mktemp("results")
        for task, of_task in values.items():
            metrics = tuple(
                replace(each, value=value, ci_low=value - 0.01, ci_high=value + 0.01)
                for each in measured[task].metrics
                if (value := of_task.get(each.metric)) is not None
            )
            made = replace(measured[task], model="clip-b32", metrics=metrics, **fields)
            write_result(made, folder)
        with pytest.raises(SystemExit) as stop:
            main(["verify", "clip-b32", "compositional", "--results", str(folder), "--format", "json"])
        said = capsys.readouterr()
        rows = json.loads(said.out)
        assert {row["source"] for row in rows} == {SOURCE}
        return stop.value.code, said.err, rows

    return say


def test_the_three_verdicts_on_three_sets(verdicts):
    values = {
        "sugarcrepe-swap-obj": {"text_score": 0.6122},
        "winoground": {"text_score": 0.3125, "image_score": 0.11, "group_score": 0.1875},
        "mmvp-vlm": {"image_score": 0.1556, "macro_image_score": 0.1556},
    }
    code, complained, rows = verdicts(values)
    assert code == 1
    assert complained == (
        f"vlbench: not reproduced: clip-b32 on winoground, group_score: off by +0.1000 ({SOURCE})\n"
    )
    told = {
        (row["task"], row["metric"], row["notes"]): row for row in rows if row["verdict"] != "not comparable"
    }
    whole = "the mean of its nine patterns, of 15 pairs each"
    assert {key: (row["verdict"], row["reason"]) for key, row in told.items()} == {
        ("sugarcrepe-swap-obj", "text_score", ""): ("reproduced", ""),
        ("winoground", "text_score", ""): ("reproduced", ""),
        ("winoground", "image_score", ""): ("reproduced", ""),
        ("winoground", "group_score", ""): ("off", ""),
        ("mmvp-vlm", "image_score", whole): ("reproduced", ""),
    }
    apart = {row["reason"] for row in rows if row["verdict"] == "not comparable" and row["value"] is not None}
    assert len(apart) == 9
    assert "classes: Texts alone" in apart
    unmeasured = {
        (row["task"], row["reason"]) for row in rows if row["value"] is None and row["notes"] == whole
    }
    assert unmeasured == {
        ("mmvp-vlm", "metric: text_score is not among the result's"),
        ("mmvp-vlm", "metric: group_score is not among the result's"),
    }


def test_what_differs_from_the_card_is_named(verdicts, measured):
    of = measured["sugarcrepe-swap-obj"]
    values = {of.task: {"text_score": 0.6122}}

    def reason(**fields):
        ((row,),) = verdicts(values, **fields)[2:]
        return row["verdict"], row["reason"]

    def stating(**parts):
        return {"protocol_statement": {**of.protocol_statement, **parts}, "protocol_digest": "0" * 32}

    assert reason() == ("reproduced", "")
    assert reason(partial="limit 5") == ("not comparable", "partial result: limit 5")
    differing = {
        "primary: group_score in the result, text_score on the card; run it again": stating(
            primary="group_score"
        ),
        "settings: split=test in the result, split=val2017 on the card; run it again": stating(
            settings={"split": "test"}
        ),
        "names: 488 in the result, 490 on the card; run it again": {"n_texts": 488},
        "method: probe, and the score is the model's own": {"method": "probe"},
    }
    for said, fields in differing.items():
        assert reason(**fields) == ("not comparable", said)
    values[of.task]["text_score"] = 0.5
    said = "precision: bf16, not fp32 (-0.1122)"
    assert reason(settings={**of.settings, "precision": "bf16"}) == ("not comparable", said)
