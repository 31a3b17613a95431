"""A plug-in in a package of its own is found, listed and run without a line changed in vlbench."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from vlbench.api import list_models, list_tasks
from vlbench.core.registry import METRICS, SOURCES

PLUGIN = Path(__file__).resolve().parents[1] / "plugin"
GUIDE = PLUGIN.parents[1] / "docs" / "plugins.md"
ADDED = {
    "models": "demo-colour",
    "tasks": "demo-squares",
    "metrics": "demo_reciprocal_rank",
    "sources": "demo_squares",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the built plug-in installed, as a site-packages would hold it."""
    wheels, site = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(wheels)]
    subprocess.run([*pip, *build, str(PLUGIN)], check=True)
    (wheel,) = wheels.glob("vlbench_demo-*.whl")
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--target", str(site), str(wheel)], check=True
    )
    return site


def vlbench(site, folder, *arguments):
    return subprocess.run(
        [sys.executable, "-c", "from vlbench.cli.main import main; main()", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("what", ADDED)
def test_what_the_plug_in_adds_is_listed(site, tmp_path, what):
    listed = vlbench(site, tmp_path, "list", what)
    assert listed.returncode == 0, listed.stderr
    assert ADDED[what] in listed.stdout.split()


def test_without_the_plug_in_its_names_are_unknown():
    known = {*list_models(), *list_tasks(), *METRICS, *SOURCES}
    assert not known & set(ADDED.values())


def test_its_model_scores_its_task_by_its_metric(site, tmp_path):
    run = ["run", "--model", "demo-colour", "--task", "demo-squares", "--results", "r", "--cache", "c"]
    done = vlbench(site, tmp_path, *run)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "r" / "demo-squares" / "demo-colour.json").read_text(encoding="utf-8"))
    values = {metric["metric"]: metric["value"] for metric in result["metrics"]}
    assert (values["acc1"], values["demo_reciprocal_rank"]) == (1.0, 1.0)
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


def test_the_guide_links_to_files_that_exist_and_to_all_of_the_plug_in():
    links = {
        (GUIDE.parent / link).resolve()
        for link in re.findall(r"\]\(([^)#:]+)\)", GUIDE.read_text(encoding="utf-8"))
    }
    assert {link for link in links if not link.exists()} == set()
    modules = set((PLUGIN / "vlbench_demo").glob("[!_]*.py"))
    assert modules <= links
