import csv

import pytest

from vlbench.core.robustness import RobustnessFit
from vlbench.report.results import write_result
from vlbench.report.tables.averages import Additions
from vlbench.report.tables.leaderboard import leaderboards, stale_leaderboards, write_leaderboards

FIT = RobustnessFit("sketch", "imagenet", 2.0, 0.0, 0.9, 5, "a table")
ADDITIONS = Additions(fits=lambda: (FIT,))


def test_a_variant_is_set_against_what_the_fit_expects(make_result):
    results = [
        make_result(model="both", task="imagenet", acc1=2 / 3),
        make_result(model="both", task="sketch", acc1=0.75),
        make_result(model="one", task="sketch", acc1=0.9),
        make_result(model="perfect", task="imagenet", acc1=1.0),
        make_result(model="perfect", task="sketch", acc1=0.9),
    ]
    (line,) = csv.DictReader(leaderboards(results, ADDITIONS)["effective_robustness.csv"].splitlines())
    # odds of 2 on the reference are odds of 4 at slope 2
    assert line == {
        "model": "both",
        "task": "sketch",
        "accuracy": "0.750000",
        "reference_accuracy": "0.666667",
        "expected_accuracy": "0.800000",
        "effective_robustness": "-0.050000",
        "reference_fit": "logit(sketch) = 2.0000 logit(imagenet) +0.0000, 5 models of a table",
    }


def test_without_a_pair_there_is_no_table_and_an_old_one_goes(make_result, tmp_path):
    write_result(make_result(task="imagenet"), tmp_path)
    variant = write_result(make_result(task="sketch"), tmp_path)
    write_leaderboards(tmp_path, ADDITIONS)
    assert stale_leaderboards(tmp_path, ADDITIONS) == ()
    variant.unlink()
    assert "effective_robustness.csv" in stale_leaderboards(tmp_path, ADDITIONS)
    write_leaderboards(tmp_path, ADDITIONS)
    assert not (tmp_path / "effective_robustness.csv").exists()


@pytest.mark.parametrize("accuracy", [0.2, 0.5, 0.9])
def test_the_line_of_slope_one_through_zero_expects_the_same(accuracy):
    assert RobustnessFit("b", "a", 1.0, 0.0, 1.0, 2, "").expected(accuracy) == pytest.approx(accuracy)


def test_accuracies_of_other_weights_under_one_name_are_no_pair(make_result):
    results = [
        make_result(task="imagenet"),
        make_result(task="sketch", weights={"small.safetensors": "b" * 64}),
    ]
    assert "effective_robustness.csv" not in leaderboards(results, ADDITIONS)
