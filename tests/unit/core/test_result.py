import json

import pytest

from vlbench.core.errors import DataError
from vlbench.core.result import SCHEMA, Result


def test_a_result_survives_its_json_to_the_last_field(make_result):
    result = make_result(partial="first 50 images")
    assert Result.from_json(result.to_json()) == result


def test_the_json_is_sorted_readable_and_ends_its_last_line(make_result):
    text = make_result().to_json()
    fields = json.loads(text)
    assert text.endswith("}\n")
    assert list(fields) == sorted(fields)
    assert "réd, square" in text
    assert fields["schema"] == SCHEMA
    assert fields["metrics"][1]["parts"] == [{"name": "réd, square", "value": None, "n": 0}]


def test_the_score_is_the_primary_metric(make_result):
    assert make_result().score == 0.5
    assert make_result(primary="acc5").score == 0.75
    assert make_result(acc1=None).score is None


def test_a_metric_that_was_not_measured_lists_those_that_were(make_result):
    with pytest.raises(DataError, match="small on shapes has no metric 'f1'; it has acc5, acc1"):
        make_result().metric("f1")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": SCHEMA + 1}, f"schema {SCHEMA + 1} is not {SCHEMA}"),
        ({"extra": 1}, "extra"),
        ({"metrics": None}, "not a vlbench result"),
        ({"metrics": [{"metric": "acc1"}]}, "not a vlbench result"),
        ({"timing": {}}, "not a vlbench result"),
    ],
)
def test_a_record_of_another_layout_is_refused(make_result, change, said):
    fields = json.loads(make_result().to_json()) | change
    with pytest.raises(DataError, match=said):
        Result.from_json(json.dumps(fields))


def test_a_missing_field_is_refused(make_result):
    fields = json.loads(make_result().to_json())
    del fields["model"]
    with pytest.raises(DataError, match="model"):
        Result.from_json(json.dumps(fields))


def test_what_is_no_number_was_not_measured(make_result):
    text = make_result(acc1=float("nan")).to_json()
    assert "NaN" in text
    assert Result.from_json(text).score is None
