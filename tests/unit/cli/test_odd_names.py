"""Names of every kind through each command: what is printed, and what is found when it is read."""

import csv
import json
import unicodedata
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import yaml
from odd_names import ODD_NAMES

from vlbench.cli.main import main
from vlbench.core.files import file_name
from vlbench.core.items import Items
from vlbench.core.measurement import Measurement, Part
from vlbench.report.csv_text import csv_text, read_csv
from vlbench.report.exchange.imported import read_imported
from vlbench.report.gate.baseline import read_baseline
from vlbench.report.paired.items import write_items
from vlbench.report.results import read_results, write_result

pytestmark = pytest.mark.slow
TASKS = tuple(name for name in ODD_NAMES if name not in ("model", "mean"))  # columns of their own
UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.fixture(scope="module")
def results(make_result, tmp_path_factory):
    """A folder with a result of each name as a model, and of each as a task, a class, a licence and more."""
    folder = tmp_path_factory.mktemp("odd") / "results"
    for at, name in enumerate(ODD_NAMES):
        right = 100 + 2 * at
        ranks = np.where(np.arange(200) < right, 1, 2)
        tasks = ("shapes", name) if name in TASKS else ("shapes",)
        for task in tasks:
            parts = tuple(Part(f"{name}{n}", n / 8, 25) for n in range(8))
            result = make_result(
                model=name,
                task=task,
                protocol=name if task == name else "held-out",
                metrics=(Measurement(right / 200, 200, 0.1, 0.9, "wilson", parts=parts, metric="acc1"),),
                facts={"family": name, "licence": name},
                settings={"device": "cpu", "device_name": name, "precision": name, "preprocess": "exact"},
                source=f"folder:/home/me/{name}",
                weights={name: "a" * 64},
                origin=name,
            )
            write_result(result, folder)
            write_items(result, Items(image_ranks=ranks, classes=np.arange(200) // 25), folder)
    one = read_results(folder)[0]
    write_result(replace(one, model="cut", partial=f"limit {ODD_NAMES[9]}"), folder)
    return folder


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Runs `vlbench ...` in a folder of its own and answers its stdout; nothing that it prints is unseen."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, exact=False, code=0):
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert stop.value.code == code, err
        assert code != 2 or err.count("\n") == 1
        for text in (err,) if exact else (out, err):
            assert {each for each in text if unicodedata.category(each) in UNSEEN} <= {"\n"}
        return out

    return run


def test_the_leaderboard_is_printed_and_its_csvs_hold_every_name(run, results):
    lines = run("leaderboard", "--results", results).split("\n")
    rows = lines[2:-1]
    assert len(rows) == len(ODD_NAMES)
    run("leaderboard", "--results", results, "--check")
    text = run("leaderboard", "--results", results, "--format", "csv", exact=True)
    assert text.encode() == (results / "leaderboard.csv").read_bytes()
    head, *rows = read_csv(text)
    assert [row[0] for row in rows] == sorted(ODD_NAMES)
    assert head[1 : len(TASKS) + 2] == sorted([*TASKS, "shapes"])
    assert {row[head.index("licence")] for row in rows} == set(ODD_NAMES)
    for name in TASKS:
        (_, row) = read_csv((results / f"{file_name(name)}.csv").read_bytes().decode())
        assert row[0] == name
    for path in results.glob("*.csv"):
        for row in csv.reader(StringIO(path.read_bytes().decode(), newline=""), strict=True):
            assert not [cell for cell in row if cell[:1] in ("=", "+", "-", "@", "\t", "\r") and cell != "-3"]


def test_markdown_of_the_leaderboard_is_one_table_without_links_and_html(run, results):
    text = run("leaderboard", "--results", results, "--format", "markdown", "--intervals")
    lines = text.removesuffix("\n").split("\n")
    assert len(lines) == 2 + len(ODD_NAMES)
    assert {line.replace("\\\\", "").replace("\\|", "").count("|") for line in lines} == {len(TASKS) + 3}
    assert "](" not in text
    assert text.replace("<br>", "").count("<") == 0


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_a_check_right_after_an_update_finds_nothing(run, results, form):
    run("check", "--baseline", "b.csv", "--results", results, "--update")
    rows = read_baseline(Path("b.csv"))
    assert {row.model for row in rows} == set(ODD_NAMES)
    assert {row.task for row in rows} == {*TASKS, "shapes"}
    out = run("check", "--baseline", "b.csv", "--results", results, "--strict", "--format", form)
    assert "nothing moved" in out or json.loads(out) == []
    Path("b.csv").write_text(Path("b.csv").read_bytes().decode().replace(",0.5", ",0.9"), newline="")
    moved = run(
        "check", "--baseline", "b.csv", "--results", results, "--format", form, "--tolerance", 0.001, code=1
    )
    if form == "markdown":
        assert "](" not in moved
        assert "<" not in moved


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_any_two_are_compared(run, results, form):
    for name in ODD_NAMES[1:]:
        text = run(
            "compare", "--results", results, "--format", form, "-t", "shapes", "--", ODD_NAMES[0], name
        )
        if form == "json":
            assert [task["model_b"] for task in json.loads(text)["tasks"]] == [name]
        elif form == "markdown":
            assert "](" not in text
            assert "<" not in text


def test_exports_hold_every_name(run, results):
    index = yaml.safe_load(run("export", "--format", "model-index", "--results", results, exact=True))
    assert {model["name"] for model in index["model-index"]} == set(ODD_NAMES)
    told = [result["dataset"] for model in index["model-index"] for result in model["results"]]
    assert {(data["type"], data["args"]["protocol"]) for data in told} == {
        ("shapes", "held-out"),
        *((name, name) for name in TASKS),
    }
    lines = run("export", "--format", "jsonl", "--results", results, exact=True).split("\n")
    found = {json.loads(line)["model"] for line in lines if line}
    assert found == set(ODD_NAMES)
    rows = read_csv(run("export", "--format", "clip_benchmark", "--results", results, exact=True))
    assert len(rows) == 1 + len(ODD_NAMES) + len(TASKS)
    known = [row for row in rows if not any("\0" in cell for cell in row)]  # a NUL is refused, in a line
    Path("out.csv").write_bytes(csv_text(known).encode())
    run("import", "clip_benchmark", "out.csv", "--out", "theirs")
    assert {each.model for each in read_imported(Path("theirs"))} == {
        row[known[0].index("model")] for row in known[1:]
    }


def test_what_is_published_is_set_beside(run, results):
    for form in ("text", "json", "csv", "markdown"):
        run("verify", "--results", results, "--format", form)


def test_an_error_is_one_line(run, results):
    for name in ODD_NAMES:
        run("compare", "--results", results, "--", name, f"{name}?", code=2)
    run("show", "--", "".join(ODD_NAMES), code=2)


def test_a_site_is_built(run, results):
    run("site", "--results", results, "--out", "site")
    first = {path: path.read_bytes() for path in Path("site").rglob("*") if path.is_file()}
    assert len(list(Path("site/models").glob("*.html"))) == len(ODD_NAMES)
    run("site", "--results", results, "--out", "site")
    assert {path: path.read_bytes() for path in Path("site").rglob("*") if path.is_file()} == first
