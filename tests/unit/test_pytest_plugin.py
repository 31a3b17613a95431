"""The pytest plug-in in projects of its own, with made results."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch._dynamo  # noqa: F401 - imported once in a process, and pytester drops what a run imports

from vlbench import evaluate
from vlbench.core.measurement import Measurement
from vlbench.report.gate.baseline import rows_of, write_baseline
from vlbench.report.results import write_result

pytest_plugins = ["pytester"]

LIGHT = """
import sys
import pytest
known = set(sys.modules)
import vlbench.pytest_plugin
print(*sorted(name for name in set(sys.modules) - known))
"""


@pytest.fixture
def project(pytester, make_result):
    """A project of two models on two tasks that scores what its baseline says."""
    results = [
        score(make_result, model, task) for model in ("large", "small") for task in ("digits", "shapes")
    ]
    for result in results:
        write_result(result, pytester.path / "results")
    write_baseline(pytester.path / "results" / "baseline.csv", rows_of(results))
    return pytester.path


@pytest.fixture
def run_pytest(pytester):
    """What pytest prints that runs in the project, warnings being errors."""

    def run(*arguments, expect=0):
        done = pytester.runpytest("-W", "error", "-p", "no:cacheprovider", "--strict-markers", *arguments)
        said = "\n".join([*done.outlines, *done.errlines])
        assert done.ret == expect, said
        return said

    return run


def score(make_result, model, task, value=0.5):
    metrics = (Measurement(value, 200, 0.46, 0.55, "Wilson", metric="acc1"),)
    return make_result(model=model, task=task, metrics=metrics)


BASELINE = ("--vlbench-baseline", "results/baseline.csv")


def test_it_imports_nothing_but_itself():
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    core = ["difflib", "vlbench", "vlbench.core", "vlbench.core.errors", "vlbench.core.visible"]
    assert done.stdout.split() == [*core, "vlbench.pytest_plugin", "vlbench.pytest_plugin.settings"]


def test_without_its_options_nothing_is_collected_and_results_are_left_alone(project, run_pytest):
    assert "no tests ran" in run_pytest(expect=5)


def test_a_baseline_beside_the_results_folder_or_elsewhere_finds_the_results(project, run_pytest):
    (project / "ci").mkdir()
    for place in ("baseline.csv", "ci/baseline.csv"):
        (project / "results" / "baseline.csv").rename(project / place)
        assert "4 passed" in run_pytest("--vlbench-baseline", place, "-m", "vlbench", "--vlbench-strict")
        (project / place).rename(project / "results" / "baseline.csv")
    (project / "results").rename(project / "elsewhere")
    said = run_pytest("--vlbench-baseline", "elsewhere/baseline.csv", "--vlbench-results", "ci", expect=1)
    assert f"looked in {project / 'ci'}: --vlbench-results names another folder" in said
    (project / "elsewhere" / "baseline.csv").rename(project / "ci" / "baseline.csv")
    said = run_pytest("--vlbench-baseline", "ci/baseline.csv", expect=1)
    places = [project / "ci", project / "ci" / "results", project / "results"]
    assert f"looked in {' and '.join(map(str, places))}: --vlbench-results" in said


def test_every_model_and_task_of_the_baseline_is_an_item_beside_the_projects_tests(project, run_pytest):
    (project / "test_ours.py").write_text("def test_ours(): pass\n")
    listed = run_pytest(*BASELINE, "--collect-only", "-q").splitlines()[:5]
    pairs = [f"{model}::{task}" for model in ("large", "small") for task in ("digits", "shapes")]
    assert listed == [*(f"results/baseline.csv::{pair}" for pair in pairs), "test_ours.py::test_ours"]
    assert "4 passed, 1 deselected" in run_pytest(*BASELINE, "-m", "vlbench")
    assert "2 passed" in run_pytest(*BASELINE, "results/baseline.csv::small")


def test_odd_names_are_items_and_nothing_that_a_terminal_obeys_is_printed(project, run_pytest, make_result):
    names = ("nl\nphotos", "\x1b[31mred\u202e", "=1+1", "my\u2028photos")
    results = [score(make_result, model, task) for model in names for task in names]
    write_baseline(project / "odd" / "baseline.csv", rows_of(results))
    for result in results[1:]:
        write_result(result, project / "odd")
    write_result(score(make_result, names[0], names[1], 0.1), project / "odd")
    said = run_pytest("--vlbench-baseline", "odd/baseline.csv", "-vv", expect=1)
    assert "2 failed, 14 passed" in said
    assert r"odd/baseline.csv::nl\nphotos::\u001b[31mred\u202e FAILED" in said
    assert not {"\x1b", "\u202e", "\u2028"} & set(said)


def test_a_failing_items_message_is_its_row_and_others_pass(project, run_pytest, make_result):
    write_result(score(make_result, "small", "shapes", 0.4), project / "results")
    write_result(score(make_result, "large", "shapes", 0.9), project / "results")
    said = run_pytest(*BASELINE, "-rfP", expect=1)
    assert "1 failed, 3 passed" in said
    assert "_ vlbench::small::shapes _" in said
    assert "FAIL  small  shapes  acc1      0.5000  0.4000  -0.1000   0.0400  fell by 0.1000 to 0.4000" in said
    assert "FAILED results/baseline.csv::small::shapes - acc1: fell by 0.1000 to 0.4000" in said
    assert "ok  large  shapes  acc1      0.5000  0.9000" in said
    assert "Traceback" not in said
    assert "4 passed" in run_pytest(*BASELINE, "--vlbench-tolerance", "0.1")


def test_a_result_that_vanished_fails_in_a_line(project, run_pytest):
    (project / "results" / "digits" / "small.json").unlink()
    said = run_pytest(*BASELINE, expect=1)
    assert "small.json: there is no whole result of small on digits" in said
    assert "Traceback" not in said


def test_a_result_of_another_model_in_a_results_place_fails(project, run_pytest):
    folder = project / "results" / "shapes"
    (folder / "small.json").write_bytes((folder / "large.json").read_bytes())
    said = run_pytest(*BASELINE, expect=1)
    assert "small.json: contains large on shapes; move or delete it" in said


def test_a_header_alone_is_no_baseline(project, run_pytest):
    path = project / "results" / "baseline.csv"
    path.write_text(path.read_text().splitlines(keepends=True)[0])
    assert "holds no value, so that it would let everything pass" in run_pytest(*BASELINE, expect=2)


@pytest.mark.slow
def test_strict_fails_what_the_baseline_does_not_list(project, run_pytest, make_result):
    write_result(score(make_result, "new", "shapes"), project / "results")
    more = (
        Measurement(0.5, 200, 0.46, 0.55, "Wilson", metric="acc1"),
        Measurement(3.0, 200, metric="nll", most=None),
    )
    write_result(make_result(model="small", task="shapes", metrics=more), project / "results")
    assert "4 passed" in run_pytest(*BASELINE)
    said = run_pytest(*BASELINE, "--vlbench-strict", expect=1)
    assert "2 failed, 3 passed" in said
    assert "baseline.csv: has no new on shapes" in said
    assert "nll: not in the baseline" in said
    (project / "pytest.ini").write_text("[pytest]\nvlbench_strict = true\n")
    assert "2 failed, 3 passed" in run_pytest(*BASELINE, expect=1)


def test_equal_inputs_are_held_to_the_tolerance(project, run_pytest, make_result):
    digests = {"image_ids": "i" * 32}
    metrics = (Measurement(0.5, 200, 0.46, 0.55, "Wilson", metric="acc1"),)
    told = make_result(model="small", task="shapes", metrics=metrics, digests=digests)
    write_baseline(project / "results" / "baseline.csv", rows_of([told]))
    for value, expect in ((0.47, 1), (0.9, 0)):
        moved = (Measurement(value, 200, 0.4, 0.95, "Wilson", metric="acc1"),)
        result = make_result(model="small", task="shapes", metrics=moved, digests=digests)
        write_result(result, project / "results")
        said = run_pytest(*BASELINE, "-rP", expect=expect)
        assert ("FAIL  small" if expect else "WARN  small") in said


def test_workers_of_xdist_find_the_same_items(project, run_pytest, make_result):
    write_result(score(make_result, "small", "shapes", 0.4), project / "results")
    said = run_pytest(*BASELINE, "-n", "2", expect=1)
    assert "1 failed, 3 passed" in said
    assert "FAIL  small  shapes  acc1" in said


def test_settings_of_the_ini_stand_until_an_option_takes_their_place(project, run_pytest):
    (project / "pytest.ini").write_text(
        "[pytest]\n"
        "testpaths = results/baseline.csv\n"
        "vlbench_baseline = results/baseline.csv\n"
        "vlbench_results = elsewhere\n"
        "vlbench_tolerance = acc5=0.1\n"
    )  # fmt: skip
    said = run_pytest(expect=2)
    assert "vlbench: no metric named 'acc5'" in said
    assert "4 failed" in run_pytest("--vlbench-tolerance", "0.1", expect=1)
    assert "4 passed" in run_pytest("--vlbench-tolerance", "", "--vlbench-results", "results")


@pytest.mark.parametrize(
    ("text", "expect", "message"),
    [(None, 4, "not found"), ("model,acc1\n", 2, "vlbench: {path}: not a baseline of this version")],
)
def test_a_baseline_that_cannot_be_read_is_an_error_in_a_line(run_pytest, pytester, text, expect, message):
    path = pytester.path / "baseline.csv"
    if text is not None:
        path.write_text(text)
    said = run_pytest("--vlbench-baseline", "baseline.csv", expect=expect)
    assert message.format(path=path) in said
    assert "Traceback" not in said


TESTS = """
import pytest
from vlbench.pytest_plugin.scores import Regression

pytestmark = [pytest.mark.gpu, pytest.mark.network, pytest.mark.slow]

def test_a_result_is_read_once(vlbench_result):
    assert vlbench_result("small", "shapes").metric("acc1").value == 0.4
    assert vlbench_result("small", "shapes") is vlbench_result("small", "shapes")

def test_names_and_results_are_compared(vlbench_result, assert_no_regression):
    assert_no_regression("large", "shapes")
    assert_no_regression(vlbench_result("large", "digits"))
    assert_no_regression("small", "shapes", tolerance=0.2)

def test_fell(assert_no_regression):
    assert_no_regression("small", "shapes")
"""


def test_fixtures_read_results_and_compare_them_and_the_marks_are_known(project, run_pytest, make_result):
    write_result(score(make_result, "small", "shapes", 0.4), project / "results")
    (project / "test_ours.py").write_text(TESTS)
    said = run_pytest("test_ours.py", *BASELINE, "-k", "test_ours", expect=1)
    assert "1 failed, 2 passed, 4 deselected" in said
    assert '>       assert_no_regression("small", "shapes")' in said
    assert "FAIL  small  shapes  acc1" in said
    assert "scores.py" not in said


def test_making_and_reading_results_exclude_one_another(project, run_pytest):
    said = run_pytest(*BASELINE, "--vlbench-run", "--vlbench-results", "results", expect=4)
    assert "--vlbench-run makes results and --vlbench-results reads them; give one" in said


def test_the_repos_own_marks_are_listed_once():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--markers"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    for name in ("gpu", "network", "slow", "vlbench"):
        assert done.stdout.count(f"@pytest.mark.{name}:") == 1


def test_data_of_the_ini_lie_below_its_folder(project, run_pytest, monkeypatch):
    own = project / "own"
    (project / "data").mkdir()
    (project / "below").mkdir()
    (project / "pytest.ini").write_text("[pytest]\nvlbench_data_root =\n    data\n    shapes=own\n")
    (project / "below" / "test_roots.py").write_text(
        "from vlbench.pytest_plugin import _SETTINGS\n"
        "def test_roots(pytestconfig):\n"
        f"    expected = {[str(project / 'data'), f'shapes={own}']!r}\n"
        "    assert pytestconfig.stash[_SETTINGS].options['data_root'] == expected\n"
    )
    monkeypatch.chdir(project / "below")
    assert "1 passed" in run_pytest()


OF_ITEMS = """
def test_a_score_and_its_intervals(vlbench_result, assert_no_regression):
    result = vlbench_result("tiny-clip", "shapes-matching")
    assert (result.primary, result.metric("text_score").n) == ("text_score", 300)
    assert_no_regression(result)

def test_ties_are_worse_where_they_are_more(vlbench_result, assert_no_regression):
    from dataclasses import replace
    result = vlbench_result("tiny-clip", "shapes-matching")
    tied = tuple(replace(each, value=0.5) if each.metric == "undecided" else each for each in result.metrics)
    assert_no_regression(replace(result, metrics=tied))
"""


def test_a_matching_is_run_and_held_to_its_baseline_in_every_metric(pytester, run_pytest):
    (result,) = evaluate("tiny-clip", "shapes-matching", cache=pytester.path / "c", results=None)
    fallen = tuple(
        replace(each, value=0.9) if each.metric == "image_score" else each for each in result.metrics
    )
    write_baseline(pytester.path / "baseline.csv", rows_of([result]))
    write_baseline(pytester.path / "higher.csv", rows_of([replace(result, metrics=fallen)]))
    (pytester.path / "test_ours.py").write_text(OF_ITEMS)
    options = ("--vlbench-run", "--vlbench-cache", "c", "--vlbench-baseline")
    said = run_pytest(*options, "baseline.csv", expect=1)
    assert "1 failed, 2 passed" in said
    assert "undecided: rose by 0.5000 to 0.5000" in said
    said = run_pytest(*options, "higher.csv", "higher.csv", expect=1)
    fell = r"FAIL +tiny-clip +shapes-matching +image_score +0\.9000 +0\.0"
    assert re.search(fell, said)
    assert "Traceback" not in said
