import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from vlbench.cli.compare import command
from vlbench.core.errors import DataError, UnknownName, VlbenchError
from vlbench.core.items import Items
from vlbench.core.measurement import Measurement, Part
from vlbench.report.paired.items import ENDING, write_items
from vlbench.report.results import result_path, write_result


def invoke(*arguments):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


@pytest.fixture
def folder(make_result, tmp_path):
    """`good` is right on 150 of 200 images of shapes, `bad` on 100; on digits the two are alike."""
    for model, task, right in (
        ("good", "shapes", 150),
        ("bad", "shapes", 100),
        ("good", "digits", 120),
        ("bad", "digits", 120),
        ("good", "alone", 10),
    ):
        parts = tuple(Part(name, 0.5, 50) for name in ("ant", "b|e", "cat", "dog"))
        metrics = (Measurement(right / 200, 200, parts=parts, metric="acc1"),)
        result = make_result(model=model, task=task, metrics=metrics)
        write_result(result, tmp_path)
        ranks = np.where(np.arange(200) < right, 1, 2)
        write_items(result, Items(image_ranks=ranks, classes=np.arange(200) // 50), tmp_path)
    return tmp_path


def test_the_table_the_tests_the_movers_and_a_sentence(folder):
    lines = invoke("bad", "good", "--results", folder).stdout.splitlines()
    assert lines[0] == "A: bad, B: good"
    row = next(line for line in lines if line.startswith("shapes "))
    assert row.split()[:4] == ["shapes", "0.5000", "0.7500", "+0.2500"]
    assert row.split()[-3:] == ["<0.0001", "<0.0001", "<0.0001"]
    assert "shapes: acc1; McNemar, mid-p; 200 images; right alone: A 0, B 50" in lines
    assert lines[lines.index("shapes: what moved most, A -> B") + 1] == "+1.000  0.000 -> 1.000  n 50  cat"
    assert lines[-1] == (
        "good is better than bad on 1 of 2 tasks: shapes; they cannot be told apart on 1 of 2 tasks: digits "
        "(5 % level, Holm over the tasks)."
    )
    assert max(map(len, lines[:-1])) <= 100


def test_json_holds_every_number_and_markdown_is_a_table(folder):
    found = json.loads(invoke("good", "bad", "-t", "shapes", "--results", folder, "--format", "json").stdout)
    (task,) = found["tasks"]
    assert (task["difference"], task["a_only"], task["b_only"], task["better"]) == (-0.25, 50, 0, "good")
    assert task["ci_low"] < -0.25 < task["ci_high"] < 0
    assert task["p"] == task["p_holm"] < task["exact_p"] < 1e-10
    assert task["movers"] == [{"name": "cat", "value_a": 1.0, "value_b": 0.0, "difference": -1.0, "n": 50}]
    assert found["sentence"] == "good is better than bad on shapes (5 % level)."
    page = invoke("good", "bad", "--results", folder, "--format", "markdown").stdout.splitlines()
    assert page[2].startswith("| task | A | B | B - A [95 % interval] | p ")
    assert page[4].startswith("| digits | 0.6000 | 0.6000 | +0.0000 [-0.0097, +0.0097] | 1.0000 | 1.0000 |")


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (["goud", "bad"], UnknownName, "no model with results named 'goud'; did you mean good"),
        (
            ["good", "bad", "-t", "shape"],
            UnknownName,
            "no task with results named 'shape'; did you mean shapes",
        ),
        (["good", "bad", "-t", "alone"], VlbenchError, "bad has no result on alone; run it there"),
    ],
)
def test_names_that_nobody_has_are_met_with_close_ones(folder, arguments, error, said):
    caught = invoke(*arguments, "--results", folder).exception
    assert isinstance(caught, error)
    assert said in str(caught)


def test_missing_items_partial_results_and_absent_folders_are_refused(folder, make_result, tmp_path):
    partial = make_result(model="quick", task="shapes", partial="limit 5")
    write_result(partial, folder)
    assert "quick is partial: limit 5" in str(
        invoke("good", "quick", "-t", "shapes", "--results", folder).exception
    )
    assert "share no task with whole results" in str(invoke("good", "quick", "--results", folder).exception)
    whole = make_result(model="good", task="shapes")
    (folder / result_path(whole, ENDING)).unlink()
    caught = invoke("good", "bad", "--results", folder).exception
    assert isinstance(caught, DataError)
    assert "there is no per-item record next to the result; run good on shapes again" in str(caught)
    assert "no such results folder" in str(invoke("a", "b", "--results", tmp_path / "x").exception)


def test_a_row_of_seeds_asks_for_one_of_them(folder, make_result):
    for seed in (1, 2):
        write_result(replace(make_result(model=f"coop-seed{seed}"), replicate_of="coop"), folder)
    assert "name one of them: coop-seed1, coop-seed2" in str(
        invoke("coop", "good", "--results", folder).exception
    )


@pytest.mark.slow
def test_a_comparison_imports_neither_torch_nor_pandas(folder):
    code = (
        "import sys; from vlbench.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print(sorted({'torch', 'pandas', 'sklearn', 'scipy.stats'} & sys.modules.keys()))"
    )
    command_line = [sys.executable, "-c", code, "compare", "good", "bad", "--results", str(folder)]
    done = subprocess.run(command_line, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_comma_in_the_name_of_own_data_sets_nothing_apart(folder, make_result):
    task = "classification:a,b@12ab34"
    for model in ("good", "bad"):
        result = make_result(model=model, task=task, metrics=(Measurement(0.5, 200, metric="acc1"),))
        write_result(result, folder)
        ranks = np.where(np.arange(200) < 100, 1, 2)
        write_items(result, Items(image_ranks=ranks, classes=np.arange(200) // 50), folder)
    done = invoke("bad", "good", "-t", f"shapes,{task}", "--results", folder, "--format", "json")
    assert done.exit_code == 0, done.output
    assert task in done.output
    assert '"shapes"' in done.output
    assert '"digits"' not in done.output
