import csv
import json

from vlbench.core.measurement import Measurement
from vlbench.report.tables.prompt_spread import PromptSpread

SINGLE = (("{}", 0.5), ("a {}", 0.75), ("x {}", None))


def test_the_spread_is_sorted_and_summed_up(make_result):
    whole = make_result(acc1=0.75)
    single = [
        ("{}", make_result(acc1=0.5)),
        ("a {}", make_result(acc1=0.75)),
        ("x {}", make_result(acc1=None)),
    ]
    spread = PromptSpread.of(whole, single)
    assert [each.template for each in spread.scores] == ["a {}", "{}", "x {}"]
    assert spread.mean == 0.625
    assert round(spread.deviation, 6) == 0.176777  # 0.25 / sqrt 2
    lines = spread.as_text().splitlines()
    assert lines[3].startswith("all 3 together")
    assert lines[-1] == ("3 templates: mean 0.6250 ± 0.1768, best 0.7500 ('a {}'), worst 0.5000 ('{}')")
    assert [row[0] for row in csv.reader(spread.as_csv().splitlines())] == [
        "template",
        "",
        "a {}",
        "{}",
        "x {}",
    ]
    assert json.loads(spread.as_json())["scores"][2]["value"] is None


def test_without_a_measured_template_there_is_no_mean(make_result):
    spread = PromptSpread.of(make_result(acc1=None), [("{}", make_result(acc1=None))])
    assert (spread.mean, spread.deviation) == (None, None)
    assert spread.as_text().endswith("mean - ± -, best - ('{}'), worst - ('{}')")


def test_of_a_metric_that_should_be_low_the_lowest_is_the_best(make_result):
    def of(value):
        metric = Measurement(value, 9, metric="nll", lower_is_better=True)
        return make_result(primary="nll", metrics=(metric,))

    spread = PromptSpread.of(of(1.0), [("a {}", of(2.0)), ("b {}", of(0.5)), ("c {}", of(None))])
    assert [each.template for each in spread.scores] == ["b {}", "a {}", "c {}"]
