"""Methods that learn from images, on folders of classes: the command line, real models, no network."""

import csv
import itertools
import json
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner

from vlbench.api.failures import NotAllRun
from vlbench.cli.leaderboard import command as leaderboard
from vlbench.cli.run import command
from vlbench.core.contracts import Place
from vlbench.core.errors import UnknownName, Unsupported
from vlbench.datasets.shapes.scenes import shapes

CARD = """\
title: Own classes
kind: classification
protocol: own
sources: [{kind: folder, path: test}]
train: {sources: [{kind: folder, path: train}]}
validation: {sources: [{kind: folder, path: val}]}
metrics: [acc1]
primary: acc1
"""
CLASSES, PARTS = 8, {"train": (1, 5), "val": (2, 4), "test": (3, 6)}
"""The seed and the images a class of each split."""


def write_classes(folder):
    """Folders of classes of three splits, and a card of them."""
    classes: list[str] = []
    for part, (seed, each) in PARTS.items():
        examples = shapes(Place(()), split="train", count=960, seed=seed).examples
        labels = [str(example.target.label) for example in examples]
        classes = classes or list(dict.fromkeys(labels))[:CLASSES]
        for label in classes:
            place = folder / part / label.replace(" ", "_")
            place.mkdir(parents=True)
            for number in [index for index, own in enumerate(labels) if own == label][:each]:
                examples[number].image().save(place / f"{part}-{number}.png")
    (folder / "own.yaml").write_text(CARD)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("probes")
    write_classes(folder)

    def command_line(method, *more, model="tiny-clip", where="results"):
        places = ["--cache", folder / "cache", "--results", folder / where, "--device", "cpu"]
        asked = ["--model", model, "--task", "own", "--include-path", folder, "--data-root", folder]
        arguments = map(str, [*asked, *places, "--method", method, *more])
        return CliRunner().invoke(command, list(arguments), catch_exceptions=False)

    command_line.folder = folder
    return command_line


def table(run, name, where="results"):
    with (run.folder / where / name).open(newline="", encoding="utf-8") as file:
        return {row["model"]: row for row in csv.DictReader(file)}


def test_a_model_and_what_is_learned_on_it_stand_in_one_column(run):
    methods = (
        "zero-shot",
        "ridge:shots=2",
        "knn:k=3",
        "logistic",
        "logistic:search=validation",
        "tip-adapter",
        "elevater-probe",
        "linear-probe",
        "linear-probe:search=validation",
        "mieb-probe@5",
    )
    for method in (*methods, "tip-adapter:search=validation"):
        assert run(method).exit_code == 0
    rows = table(run, "own.csv")
    names = sorted(name.partition("~")[0] for name in rows)
    assert names == sorted(
        ["tiny-clip", "tiny-clip+ridge@2.s0", "tiny-clip+knn", *2 * ["tiny-clip+logistic"]]
        + 2 * ["tiny-clip+tip-adapter"]
        + ["tiny-clip+elevater-probe", "tiny-clip+mieb-probe@5.s0"]
        + ["tiny-clip+linear-probe.s0", "tiny-clip+linear-probe"]
    )
    assert len({row["protocol_digest"] for row in rows.values()}) == 1
    assert {name for name, row in rows.items() if row["zero_shot"] != "no"} == {"tiny-clip"}
    # a probe of pictures of eight classes, each shown five times: chance is an eighth
    scores = {name: float(row["acc1"]) for name, row in rows.items()}
    assert min(scores.values()) > 0.5, scores


def test_seeds_are_one_row_with_their_mean_and_deviation(run):
    for seed in (0, 1, 2):
        assert run("ridge:shots=1", "--seed", str(seed), where="seeds").exit_code == 0
    single = [
        float(table(run, "own.csv", "seeds")[f"tiny-clip+ridge@1.s{seed}"]["acc1"]) for seed in range(3)
    ]
    assert len(set(single)) > 1
    assert list(table(run, "leaderboard.csv", "seeds")) == ["tiny-clip+ridge@1"]
    assert float(table(run, "leaderboard.csv", "seeds")["tiny-clip+ridge@1"]["own"]) == pytest.approx(
        np.mean(single), abs=1e-6
    )
    lines = (run.folder / "seeds" / "seeds.csv").read_text().splitlines()
    (stated,) = [line.split(",") for line in lines if ",acc1," in line]
    expected = [np.mean(single), np.std(single, ddof=1), 3]
    assert [float(value) for value in stated[3:6]] == pytest.approx(expected, abs=2e-6)


def test_few_shot_curves_are_data_and_a_picture(run):
    place = ["--results", str(run.folder / "curves")]
    assert run("zero-shot", where="curves").exit_code == 0
    for shots, seed in itertools.product((1, 2), (0, 1)):
        assert run(f"ridge:shots={shots}", "--seed", str(seed), where="curves").exit_code == 0
    assert run("ridge", where="curves").exit_code == 0
    single = {row: float(cells["acc1"]) for row, cells in table(run, "own.csv", "curves").items()}
    with (run.folder / "curves" / "few_shot.csv").open(newline="", encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if line["metric"] == "acc1"]
    assert {(line["task"], line["model"], line["method"]) for line in lines} == {
        ("own", "tiny-clip", "ridge")
    }
    assert [(line["shots"], line["seeds"]) for line in lines] == [("1", "2"), ("2", "2"), ("", "1")]
    assert {float(line["zero_shot"]) for line in lines} == {single["tiny-clip"]}
    for line, shots in zip(lines, (1, 2), strict=False):
        seeds = [single[f"tiny-clip+ridge@{shots}.s{seed}"] for seed in (0, 1)]
        expected = [np.mean(seeds), np.std(seeds, ddof=1)]
        assert [float(line["mean"]), float(line["deviation"])] == pytest.approx(expected, abs=2e-6)
        assert float(line["low"]) <= float(line["mean"]) <= float(line["high"])
    assert float(lines[-1]["mean"]) == single["tiny-clip+ridge"]
    assert CliRunner().invoke(leaderboard, [*place, "--plot"], catch_exceptions=False).exit_code == 0
    picture = ElementTree.parse(run.folder / "curves" / "own.few_shot.svg").getroot()
    titles = [each.text for each in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert sum(title.startswith("tiny-clip by ridge, ") for title in titles) == 3
    assert CliRunner().invoke(leaderboard, [*place, "--check", "--plot"]).exit_code == 0


def test_a_tagger_is_probed_by_its_vectors(run):
    for method in ("zero-shot", "ridge", "knn:k=3", "logistic"):
        assert run(method, model="tiny-ram-plus", where="tagger").exit_code == 0
    scores = {name: float(row["acc1"]) for name, row in table(run, "own.csv", "tagger").items()}
    assert len(scores) == 4
    assert min(scores[name] for name in scores if "+" in name) > 1 / CLASSES, scores


def test_a_tower_of_timm_is_probed_and_asked_no_words(run, monkeypatch):
    import timm
    import torch
    from safetensors.torch import save_file

    from vlbench.models.timm.checkpoint import TimmCheckpoint

    torch.manual_seed(0)
    weights = run.folder / "tower.safetensors"
    save_file(timm.create_model("test_resnet").state_dict(), weights)
    asked = {"model": "timm:test_resnet", "where": "tower"}
    assert run("ridge@2,knn:k=3", "--weights", str(weights), **asked).exit_code == 0
    rows = table(run, "own.csv", "tower")
    assert [name.partition("@")[0] for name in sorted(rows)] == ["timm:test_resnet"] * 2
    assert all(float(row["acc1"]) > 1 / CLASSES for row in rows.values()), rows  # colours pass random layers
    monkeypatch.delattr(TimmCheckpoint, "load")
    refused = "reads images alone, and own asks by words; choose a method that learns from images"
    with pytest.raises(Unsupported, match=refused):
        run("zero-shot", "--weights", str(weights), **asked)
    with pytest.raises(UnknownName, match=r"no timm model named 'test_resnett'; did you mean test_resnet"):
        run("ridge@2", "--weights", str(weights), model="timm:test_resnett")


def test_settings_that_are_no_default_are_in_the_row(run):
    run("ridge:l2=1", where="settings")
    run("ridge:l2=1024", where="settings")
    (stated, usual) = sorted(table(run, "own.csv", "settings"), key=len, reverse=True)
    assert usual == "tiny-clip+ridge"
    assert stated.startswith("tiny-clip+ridge~")
    found = json.loads((run.folder / "settings" / "own" / f"{stated}.json").read_text())
    assert found["method"] == stated.removeprefix("tiny-clip+")


def test_what_a_search_chose_is_in_the_result(run):
    run("logistic:search=validation", where="chosen")
    (path,) = (run.folder / "chosen" / "own").glob("tiny*.json")
    learned = json.loads(path.read_text())["learned"]
    assert learned["images"] == CLASSES * (PARTS["train"][1] + PARTS["val"][1])
    assert 1e-6 <= learned["c"] <= 1e6


def test_more_shots_than_images_are_refused(run):
    with pytest.raises(Unsupported, match=r"knn: '.*' has 5 training images in .*, and 6 of each class are"):
        run("knn:k=3,shots=6")


def test_methods_of_one_request_are_rows_of_one_table_and_encode_once(run):
    asked = "zero-shot,ridge@2:l2=10,knn:k=3,shots=4"
    done = run(asked, "--cache", run.folder / "once", where="together")
    assert done.exit_code == 0
    rows = table(run, "own.csv", "together")
    assert [name.partition("~")[0] for name in sorted(rows)] == [
        "tiny-clip",
        "tiny-clip+knn@4",
        "tiny-clip+ridge@2",
    ]
    encoded = {
        path.stem: json.loads(path.read_text())["timing"]["images_encoded"]
        for path in (run.folder / "together" / "own").glob("tiny*.json")
    }
    assert sorted(encoded.values()) == [0, 0, CLASSES * PARTS["test"][1]]
    alone = run("ridge@2:l2=10", where="alone")
    assert alone.exit_code == 0
    (name,) = table(run, "own.csv", "alone")
    assert table(run, "own.csv", "alone")[name]["acc1"] == rows[name]["acc1"]


def test_what_one_method_cannot_do_leaves_the_others_their_rows(run):
    with pytest.raises(NotAllRun, match=r"knn: '.*' has 5 training images") as caught:
        run("zero-shot,knn@6:k=3,ridge@2", where="some")
    assert "ridge" not in str(caught.value)
    assert sorted(table(run, "own.csv", "some")) == ["tiny-clip", "tiny-clip+ridge@2.s0"]


def test_a_split_whose_data_are_not_here_leaves_what_does_not_learn_from_it(run, tmp_path):
    (tmp_path / "untrained.yaml").write_text(CARD.replace("path: train", "path: nowhere"))
    told = r"untrained: ridge learns from its train split; no data found: no folder .*nowhere.*; pass"
    with pytest.raises(NotAllRun, match=told) as caught:
        run("zero-shot,ridge@1", "--include-path", tmp_path, "--task", "untrained", where="untrained")
    assert "on own" not in str(caught.value)
    assert sorted(table(run, "untrained.csv", "untrained")) == ["tiny-clip"]
    assert sorted(table(run, "own.csv", "untrained")) == ["tiny-clip", "tiny-clip+ridge@1.s0"]


def test_models_that_share_an_image_side_are_learned_once_and_their_rows_say_so(run, monkeypatch):
    from vlbench.methods import ridge

    solved = []
    solve = ridge.solve
    monkeypatch.setattr(ridge, "solve", lambda *asked: solved.append(1) or solve(*asked))
    done = run("ridge@2", "--cache", run.folder / "fresh", model="tiny-clip,tiny-coop", where="shared")
    assert done.exit_code == 0
    assert len(solved) == 1
    first, second = (
        json.loads((run.folder / "shared" / "own" / f"{name}.json").read_text())
        for name in ("tiny-clip+ridge@2.s0", "tiny-coop+ridge@2.s0")
    )
    assert [each["metrics"] for each in (first, second)] == [first["metrics"]] * 2
    assert first["digests"]["image_side"] == second["digests"]["image_side"]
    assert first["learned"] == {"images": 2 * CLASSES}
    assert second["learned"] == {"images": 2 * CLASSES, "shared_with": "tiny-clip+ridge@2.s0"}
    line = "tiny-coop+ridge@2.s0 on own: learned images 16, shared_with tiny-clip+ridge@2.s0"
    assert line in done.stderr
