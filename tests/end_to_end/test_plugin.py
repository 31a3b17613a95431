"""A plug-in in a package of its own is found, listed and run without a line changed in vlbench."""

import csv
import json
import re
import shutil
from itertools import chain

import numpy as np
import pytest
from demo_site import python, vlbench

from vlbench import list_models, list_tasks
from vlbench.core.registry import METHODS, METRICS, SCORINGS, SOURCES, TASK_KINDS

ADDED = {
    "models": {"demo-colour", "demo-negative"},
    "tasks": {"demo-squares", "demo-confusions", "demo-choice"},
    "metrics": {"demo_reciprocal_rank", "demo_confusions", "demo_chosen", "demo_mean_margin"},
    "sources": {"demo_squares"},
    "scorings": {"demo_margins"},
    "methods": {"demo-means"},
}
TASK_KIND = "demo_choice"


@pytest.mark.parametrize("what", ADDED)
def test_what_the_plug_in_adds_is_listed(site, tmp_path, what):
    listed = vlbench(site, tmp_path, "list", what)
    assert listed.returncode == 0, listed.stderr
    assert ADDED[what] <= set(listed.stdout.split())


def test_without_the_plug_in_its_names_are_unknown():
    known = {*list_models(), *list_tasks(), *METRICS, *SOURCES, *SCORINGS, *METHODS, *TASK_KINDS}
    assert not known & {TASK_KIND, *chain.from_iterable(ADDED.values())}


def test_its_model_scores_its_task_by_its_metric(site, tmp_path):
    run = ["run", "--model", "demo-colour", "--task", "demo-squares", "--results", "r", "--cache", "c"]
    done = vlbench(site, tmp_path, *run)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "r" / "demo-squares" / "demo-colour.json").read_text(encoding="utf-8"))
    values = {metric["metric"]: metric["value"] for metric in result["metrics"]}
    assert (values["acc1"], values["demo_reciprocal_rank"]) == (1.0, 1.0)
    levels = {metric["metric"]: (metric["chance"], metric["constant"]) for metric in result["metrics"]}
    assert levels["demo_reciprocal_rank"] == (pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4), None)
    assert (result["n_images"], result["n_texts"], result["partial"]) == (20, 4, "")
    assert result["adapter"] == "demo_colour"
    head, row = (tmp_path / "r" / "leaderboard.csv").read_text(encoding="utf-8").splitlines()
    assert head.startswith("model,demo-squares,mean,")
    assert row.startswith("demo-colour,1.000000,1.000000,")


def test_its_metric_that_is_better_when_lower_ranks_the_right_way_round(site, tmp_path):
    run = ["run", "-m", "demo-colour,demo-negative", "-t", "demo-confusions", "--cache", "c", "--results"]
    done = vlbench(site, tmp_path, *run, "r")
    assert done.returncode == 0, done.stderr
    scores = {
        model: json.loads((tmp_path / "r" / "demo-confusions" / f"{model}.json").read_text(encoding="utf-8"))
        for model in ("demo-colour", "demo-negative")
    }
    good, bad = (scores[model]["metrics"][0] for model in ("demo-colour", "demo-negative"))
    assert (good["value"], bad["value"], good["lower_is_better"], good["most"]) == (0.0, 3.0, True, None)

    # the leaderboard: the lower value has the better mean rank
    with (tmp_path / "r" / "leaderboard.csv").open(encoding="utf-8", newline="") as file:
        ranks = {row["model"]: row["mean_rank"] for row in csv.DictReader(file)}
    assert {model: float(rank) for model, rank in ranks.items()} == {"demo-colour": 1, "demo-negative": 2}

    compared = vlbench(
        site, tmp_path, "compare", "demo-negative", "demo-colour", "--results", "r", "--format", "json"
    )
    assert compared.returncode == 0, compared.stderr
    assert '"better": "demo-colour"' in compared.stdout

    # the gate: worse is higher
    for model in scores:
        for folder in ("better", "worse"):
            (tmp_path / folder / "demo-confusions").mkdir(parents=True, exist_ok=True)
            moved = json.loads(json.dumps(scores[model]))
            moved["metrics"][0]["value"] = {"better": 1.0, "worse": 2.5}[folder]
            path = tmp_path / folder / "demo-confusions" / f"{model}.json"
            path.write_text(json.dumps(moved), encoding="utf-8")
    gate = ["check", "--baseline", "b.csv", "--results"]
    written = vlbench(site, tmp_path, *gate, "r", "--update")
    assert written.returncode == 0, written.stderr
    of_good = vlbench(site, tmp_path, *gate, "worse")
    assert of_good.returncode == 1, of_good.stdout
    verdicts = [line for line in of_good.stdout.splitlines() if "demo_confusions" in line]
    assert any("demo-colour" in line and "rose by 2.5" in line for line in verdicts), of_good.stdout
    written = vlbench(site, tmp_path, *gate, "worse", "--update")
    assert written.returncode == 0, written.stderr
    assert vlbench(site, tmp_path, *gate, "better").returncode == 0


BY_HAND = """
import json
import numpy as np
from vlbench import SCORINGS, load_task
from vlbench.core.contracts import ScoreUnit
from vlbench.engine.scoring import predict, stored_scores

task = load_task("demo-choice")
problem = task.problem
# image i scores j + i / 100 with text j
scores = np.arange(4, dtype=np.float32) + np.arange(20, dtype=np.float32)[:, None] / 100
prediction = predict(stored_scores(scores, problem), problem, task.scoring, ScoreUnit("cosine"))
every_fifth = prediction["margins"][::5]
print(json.dumps({
    "scoring": task.scoring.name,
    "asked": [problem.asked.how, problem.asked.pairs.dense()[::5].astype(int).tolist()],
    "arrays": {name: values.shape for name, values in prediction.arrays.items()},
    "margins": every_fifth.tolist(),
}))
"""


def test_its_scoring_and_its_question_by_hand(site, tmp_path):
    done = python(site, tmp_path, BY_HAND)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    # five images of each colour, each asked for its own colour and the next one
    asked = [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [1, 0, 0, 1]]
    assert (found["scoring"], found["asked"]) == ("demo_margins", ["only", asked])
    # right less wrong: 0 - 1, 1 - 2, 2 - 3, 3 - 0; over all texts the first three would be -3, -2, -1
    assert found["arrays"] == {"margins": [20]}
    assert found["margins"] == pytest.approx([-1, -1, -1, 3])


@pytest.fixture(scope="module")
def learned(site, tmp_path_factory):
    """A folder with results of two models, of them by a method under two seeds, and of one of all images."""
    folder = tmp_path_factory.mktemp("learned")
    run = ["run", "-t", "demo-choice,demo-confusions", "--results", "r", "--cache", "c", "-m"]
    for more in (
        ["demo-colour,demo-negative"],
        ["demo-colour,demo-negative", "--method", "demo-means:shots=2", "--seed", "0"],
        ["demo-colour,demo-negative", "--method", "demo-means:shots=2", "--seed", "1"],
        ["demo-negative", "--method", "demo-means"],
    ):
        done = vlbench(site, folder, *run, *more)
        assert done.returncode == 0, done.stderr
    return folder


def of(folder, task, model):
    return json.loads((folder / "r" / task / f"{model}.json").read_text(encoding="utf-8"))


def values_of(result):
    return {metric["metric"]: metric["value"] for metric in result["metrics"]}


def test_its_question_is_answered(learned):
    good, bad = (values_of(of(learned, "demo-choice", model)) for model in ("demo-colour", "demo-negative"))
    assert (good["demo_chosen"], bad["demo_chosen"]) == (1.0, 0.0)
    # from mid-grey the colours lie at the corners of a cube: their cosines are -1/3 (red and lime, lime and
    # blue), -1 (blue and yellow), 1/3 (yellow and red); the grey around a square is not quite the middle
    by_hand = 20 * np.mean([1 + 1 / 3, 1 + 1 / 3, 1 + 1, 1 - 1 / 3])
    assert good["demo_mean_margin"] == pytest.approx(by_hand, rel=0.02)
    assert bad["demo_mean_margin"] == pytest.approx(-by_hand, rel=0.02)
    statement = of(learned, "demo-choice", "demo-colour")["protocol_statement"]
    assert (statement["kind"], statement["settings"]["choices"]) == (TASK_KIND, 2)


def test_its_method_is_part_of_the_row_and_learns(learned):
    own, drawn, whole = (
        of(learned, "demo-choice", f"demo-negative{mark}") for mark in ("", "+demo-means@2.s1", "+demo-means")
    )
    assert [values_of(each)["demo_chosen"] for each in (own, drawn, whole)] == [0.0, 1.0, 1.0]
    assert [each["method"] for each in (own, drawn, whole)] == ["", "demo-means@2", "demo-means"]
    assert [each["zero_shot"] for each in (own, drawn, whole)] == ["unknown", "no", "no"]
    # what draws nothing has no seeds
    assert [each["replicate_of"] for each in (own, drawn, whole)] == ["", "demo-negative+demo-means@2", ""]
    assert len({each["protocol_digest"] for each in (own, drawn, whole)}) == 1
    assert len({each["digests"].get("method") for each in (own, drawn, whole)}) == 3
    assert "train_image_ids" in drawn["digests"]


def test_seeds_of_its_method_are_one_row(learned):
    first, second = (
        values_of(of(learned, "demo-choice", f"demo-colour+demo-means@2.s{seed}"))["demo_mean_margin"]
        for seed in (0, 1)
    )
    assert first != second
    with (learned / "r" / "leaderboard.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["model"]: row for row in csv.DictReader(file)}
    assert rows.keys() == {
        "demo-colour",
        "demo-colour+demo-means@2",
        "demo-negative",
        "demo-negative+demo-means",
        "demo-negative+demo-means@2",
    }
    assert rows["demo-colour+demo-means@2"]["zero_shot"] == "no"
    with (learned / "r" / "seeds.csv").open(encoding="utf-8", newline="") as file:
        (spread,) = (
            row
            for row in csv.DictReader(file)
            if (row["model"], row["metric"]) == ("demo-colour+demo-means@2", "demo_mean_margin")
        )
    assert spread["n_seeds"] == "2"
    assert float(spread["mean"]) == pytest.approx((first + second) / 2, abs=1e-6)
    assert float(spread["std"]) == pytest.approx(abs(first - second) / 2**0.5, abs=1e-6)


def test_rows_of_its_method_are_compared_and_held_to_a_baseline(site, learned, tmp_path):
    rows = ["demo-negative", "demo-negative+demo-means"]
    asked = [*rows, "--results", str(learned / "r"), "--format", "json"]
    compared = vlbench(site, tmp_path, "compare", *asked)
    assert compared.returncode == 0, compared.stderr
    better = re.findall(r'"better": "([^"]*)"', compared.stdout)
    assert better == ["demo-negative+demo-means"] * 2  # chosen oftener, and confused with fewer

    # the gate: of the metric that is better when lower, more is worse, in the row of a seed too
    row = "demo-colour+demo-means@2.s1"
    gate = ["check", "--baseline", "b.csv", "--results"]
    assert vlbench(site, tmp_path, *gate, str(learned / "r"), "--update").returncode == 0
    shutil.copytree(learned / "r", tmp_path / "worse")
    path = tmp_path / "worse" / "demo-confusions" / f"{row}.json"
    moved = json.loads(path.read_text(encoding="utf-8"))
    moved["metrics"][0]["value"] = 2.5
    path.write_text(json.dumps(moved), encoding="utf-8")
    fell = vlbench(site, tmp_path, *gate, "worse")
    assert fell.returncode == 1, fell.stdout
    assert any(f"{row} " in line and "rose by 2.5" in line for line in fell.stdout.splitlines()), fell.stdout
    assert vlbench(site, tmp_path, *gate, "worse", "--update").returncode == 0
    assert vlbench(site, tmp_path, *gate, str(learned / "r")).returncode == 0
