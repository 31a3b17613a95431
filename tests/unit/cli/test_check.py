"""`vlbench check`: made results against a baseline that the command wrote."""

import csv
import json

import pytest

from vlbench.core.measurement import Measurement
from vlbench.report.results import write_result

CHECK = ("check", "--baseline", "baseline.csv")


@pytest.fixture
def write(make_result, tmp_path):
    """Writes a result; `write(0.4)` is one that fell."""

    def write(value=0.5, **fields):
        metrics = (Measurement(value, 200, 0.46, 0.55, "Wilson", metric="acc1"),)
        digests = {"image_ids": "i" * 32, "texts": "t" * 32} | fields.pop("digests", {})
        return write_result(
            make_result(metrics=fields.pop("metrics", metrics), digests=digests, **fields),
            tmp_path / "results",
        )

    return write


@pytest.fixture
def baseline(run, write, tmp_path):
    """The baseline of two results."""
    write()
    write(model="large")
    assert run(*CHECK, "--update")[0] == 0
    return tmp_path / "baseline.csv"


def test_results_that_are_the_baselines_pass(run, baseline):
    assert run(*CHECK) == (0, "baseline.csv: 2 values, nothing moved\n", "")


ACC5 = (Measurement(0.5, 200, 0.46, 0.55, "Wilson", metric="acc5"),)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"value": 0.4},
            "small on shapes, acc1: fell by 0.1000 to 0.4000, more than the tolerance of 0.0050",
        ),
        ({"metrics": ACC5}, "small on shapes, acc1: vanished: the metric is not measured any more"),
        (
            {"protocol_digest": "e" * 32},
            "small on shapes: another protocol: was held-out (dddddddd), is held-out (eeeeeeee)",
        ),
        ({"weights": {"small.safetensors": "b" * 64}}, "small on shapes: other weights: were "),
        (
            {"digests": {"image_ids": "j" * 32}},
            "small on shapes: other data: the images were iiiiiiii, are jjjjjjjj",
        ),
        (
            {"digests": {"texts": "u" * 32}},
            "small on shapes: other data: the texts were tttttttt, are uuuuuuuu",
        ),
    ],
)
def test_what_got_worse_fails_with_a_message_of_its_own_until_it_is_accepted(
    run, write, baseline, fields, message
):
    write(**fields)
    code, said, complained = run(*CHECK)
    assert code == 1
    assert complained.startswith(f"vlbench: baseline.csv: {message}")
    assert complained.endswith("; --update accepts what is meant\n")
    assert "FAIL  small  shapes" in said
    before = baseline.read_bytes()
    code, shown, _ = run(*CHECK, "--update")
    assert (code, shown) == (0, said)
    assert baseline.read_bytes() != before
    assert run(*CHECK)[:2] == (0, "baseline.csv: 2 values, nothing moved\n")


def test_a_result_that_vanished_fails(run, write, baseline, tmp_path):
    (tmp_path / "results" / "shapes" / "large.json").unlink()
    code, said, complained = run(*CHECK)
    assert code == 1
    assert "large on shapes: vanished: the model has no whole result any more" in complained
    write(model="large", partial="limit 10")
    assert run(*CHECK) == (code, said, complained)


def test_noise_passes_and_a_tolerance_is_kept_instead(run, write, baseline):
    write(0.47, settings={"device": "cuda:1", "precision": "fp32"})
    code, said, _ = run(*CHECK)
    assert code == 0
    assert "fell by 0.0300 to 0.4700, within its noise of 0.0400" in said
    assert run(*CHECK, "--tolerance", "0.02")[0] == 1
    assert run(*CHECK, "--tolerance", "0.02,acc1=0.05")[0] == 0


def test_what_is_better_and_what_is_new_is_printed_and_passes(run, write, baseline):
    write(0.9, settings={"device": "cuda", "precision": "fp32"})
    write(task="digits")
    code, said, complained = run(*CHECK)
    assert (code, complained) == (0, "")
    assert "rose by 0.4000 to 0.9000, more than its noise" in said
    assert "not in the baseline: 1 metric" in said
    assert said.endswith("baseline.csv: 2 values, 1 new, 1 better\n")


def test_json_and_markdown_are_for_programs(run, write, baseline):
    write(0.4)
    code, said, _ = run(*CHECK, "--format", "json")
    (finding,) = json.loads(said)
    assert (code, finding["verdict"], finding["before"], finding["after"]) == (1, "worse", 0.5, 0.4)
    assert (
        run(*CHECK, "--format", "markdown")[1].splitlines()[2].startswith("| FAIL | small | shapes | acc1 |")
    )


@pytest.mark.parametrize("update", [(), ("--update",)])
def test_a_file_that_is_no_baseline_is_refused_and_left_alone(run, write, baseline, update):
    baseline.write_text("name,score\nours,1\n")
    code, said, complained = run(*CHECK, *update)
    assert (code, said, complained.count("\n")) == (2, "", 1)
    assert complained.startswith("vlbench: baseline.csv: not a baseline of this version")
    assert baseline.read_text() == "name,score\nours,1\n"


def test_a_missing_baseline_and_a_missing_folder_say_what_to_do(run, write):
    write()
    code, said, complained = run(*CHECK)
    assert (code, said) == (2, "")
    advice = "`vlbench check --baseline baseline.csv --update` writes it"
    assert complained == f"vlbench: baseline.csv: no such baseline; {advice}\n"
    assert run(*CHECK, "--results", "elsewhere")[0] == 2
    assert run(*CHECK, "--tolerance", "acc=0.1", "--update")[2].startswith("vlbench: no metric named 'acc'")


def edit(baseline, change):
    """Rewrites the cells of a baseline, row by row; a row for which `change` answers None is deleted."""
    with baseline.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    kept = [row for row in map(change, rows) if row is not None]
    with baseline.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)


def test_a_baseline_of_its_header_alone_gates_nothing_and_is_refused(run, baseline):
    edit(baseline, lambda row: None)
    code, said, complained = run(*CHECK)
    assert (code, said) == (2, "")
    assert "holds no value, so that it would let everything pass" in complained


@pytest.mark.parametrize("blank", ["", "nan"])
def test_a_baseline_whose_value_was_lost_fails(run, write, baseline, blank):
    edit(baseline, lambda row: row | {"value": blank})
    write(0.1)
    code, _, complained = run(*CHECK)
    assert code == 1
    assert "the baseline has no value to hold" in complained


def test_a_deleted_row_fails_where_the_baseline_has_to_list_all(run, write, baseline):
    write(0.1)
    edit(baseline, lambda row: None if row["model"] == "small" else row)
    assert run(*CHECK)[0] == 0
    code, _, complained = run(*CHECK, "--strict")
    assert code == 1
    assert "small on shapes: not in the baseline: 1 metric" in complained


@pytest.mark.parametrize(
    "changes",
    [
        {"n_images": 100},
        {"n_relevant": 100},
        {"source_revision": "2"},
        {"digests": {"truth": "r" * 32}},
        {"metrics": (Measurement(0.5, 100, 0.46, 0.55, "Wilson", metric="acc1"),)},
        {"metrics": (Measurement(0.5, 200, 0.46, 0.55, "Wilson", left_out=2, metric="acc1"),)},
    ],
)
def test_other_data_fail_where_no_value_moved(run, write, tmp_path, changes):
    write(digests={"truth": "q" * 32})
    run(*CHECK, "--update")
    write(**{"digests": {"truth": "q" * 32}} | changes)
    code, _, complained = run(*CHECK)
    assert code == 1
    assert "small on shapes" in complained
    assert "other data: " in complained


def test_a_result_that_no_metric_can_have_is_refused(run, write, baseline, tmp_path):
    path = tmp_path / "results" / "shapes" / "small.json"
    path.write_text(path.read_text().replace('"value": 0.5', '"value": 1.7'))
    code, _, complained = run(*CHECK)
    assert (code, complained.count("\n")) == (2, 1)
    assert "small.json: not a vlbench result: acc1 is 1.7, no fraction from 0 to 1" in complained


def test_a_gain_of_equal_inputs_passes_with_a_warning(run, write, baseline):
    write(0.999)
    code, said, complained = run(*CHECK)
    assert code == 0
    assert "WARN  small" in said
    assert complained.startswith("warning: small on shapes, acc1: rose by 0.4990")
    assert said.endswith("baseline.csv: 2 values, 1 gained\n")


@pytest.mark.parametrize("tolerance", ["5", "acc1=5", "0.001,0.9", "acc1=0.1,acc1=0.2"])
def test_a_tolerance_that_would_let_everything_pass_is_refused(run, write, baseline, tolerance):
    write(0.1)
    code, said, complained = run(*CHECK, "--tolerance", tolerance)
    assert (code, said, complained.count("\n")) == (2, "", 1)
    assert "tolerance" in complained


def test_an_update_names_what_it_leaves_out_and_what_has_no_value(run, write, baseline):
    write(None)
    write(model="cut", partial="limit 10")
    _, _, complained = run(*CHECK, "--update")
    assert "note: baseline.csv: partial, left out of it: cut on shapes (limit 10)" in complained
    assert "note: baseline.csv: without a value: small on shapes, acc1" in complained


def test_an_empty_folder_of_results_fails(run, baseline, tmp_path):
    for path in (tmp_path / "results" / "shapes").iterdir():
        path.unlink()
    assert run(*CHECK)[0] == 1
    assert run(*CHECK, "--update")[0] == 2
