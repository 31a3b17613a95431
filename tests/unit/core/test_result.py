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
        ({"schema": SCHEMA + 1}, f"schema {SCHEMA + 1} is not {SCHEMA}; run the model again"),
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


def edited(make_result, **changes):
    """The JSON of a result whose acc1 has other fields."""
    fields = json.loads(make_result().to_json())
    if "metric" in changes:  # as version 0.1 wrote it
        for field in ("lower_is_better", "least", "most"):
            del fields["metrics"][1][field]
    fields["metrics"][1] |= changes
    return json.dumps(fields)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1.7, "acc1 is 1.7, no fraction from 0 to 1"),
        (86.3, "acc1 is 86.3, no fraction from 0 to 1"),
        (-3, "acc1 is -3, no fraction from 0 to 1"),
        (1e308, "acc1 is 1e\\+308, no fraction from 0 to 1"),
        (True, r"metrics\[1\]\.value is true, no number"),
        ("0.5", 'value is "0.5", no number'),
        ([0.5], r"value is \[0.5\], no number"),
        (10**400, "value is 1000.*, no finite number"),
    ],
)
def test_a_value_that_a_metric_cannot_have_is_refused_by_name(make_result, value, said):
    with pytest.raises(DataError, match=said):
        Result.from_json(edited(make_result, value=value))


def test_a_rank_and_a_loss_may_be_more_than_one(make_result):
    for metric, value in (("image_retrieval_median_rank", 250.5), ("nll", 3.2), ("brier", 1.4)):
        assert Result.from_json(edited(make_result, metric=metric, value=value)).metric(metric).value == value
    with pytest.raises(DataError, match=r"brier is 2\.4, not from 0 to 2"):
        Result.from_json(edited(make_result, metric="brier", value=2.4))


def test_a_result_without_levels_is_read_and_levels_are_held_to_the_metrics_range(make_result):
    fields = json.loads(make_result().to_json())
    del fields["metrics"][1]["chance"], fields["metrics"][1]["constant"]
    read = Result.from_json(json.dumps(fields)).metric("acc1")
    assert (read.value, read.chance, read.constant) == (0.5, None, None)
    with pytest.raises(DataError, match="acc1 by chance is 2, no fraction"):
        Result.from_json(edited(make_result, chance=2))


def test_a_part_is_held_to_its_metrics_range(make_result):
    with pytest.raises(DataError, match="acc1 of 'cat' is 2, no fraction"):
        Result.from_json(edited(make_result, parts=[{"name": "cat", "value": 2.0, "n": 3}]))


def test_a_metric_that_stands_twice_is_refused(make_result):
    with pytest.raises(DataError, match="the metric acc5 appears twice"):
        Result.from_json(edited(make_result, metric="acc5"))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("facts", "x", 'facts is "x", no object'),
        ("facts", {"parameters": []}, r"facts.parameters is \[\], no number"),
        ("digests", {"image_ids": 7}, "digests.image_ids is 7, no text"),
        ("model", ["small"], r'model is \["small"\], no text'),
        ("n_images", "200", 'n_images is "200", no whole number'),
        ("n_images", True, "n_images is true, no whole number"),
        ("n_images", -1, "n_images is -1, less than 0"),
        ("zero_shot", "perhaps", 'zero_shot is "perhaps", not one of yes, no, unknown'),
        ("thresholds", [0.5, None], r"thresholds\[1\] is null, no number"),
        ("timing", [], r"timing is \[\], no object"),
        ("partial", None, "partial is null, no text"),
    ],
)
def test_a_field_of_another_type_is_refused_by_name(make_result, field, value, said):
    fields = json.loads(make_result().to_json()) | {field: value}
    with pytest.raises(DataError, match=said):
        Result.from_json(json.dumps(fields))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000, "nests too deeply"),
        ('{"model": "a", "model": "b"}', "the key 'model' stands twice"),
        ('{"model": "\\ud800"}', "holds half a character"),
        ("", "not JSON"),
    ],
)
def test_a_text_that_json_cannot_say_is_refused_in_a_line(text, said):
    with pytest.raises(DataError, match=said) as error:
        Result.from_json(text)
    assert "\n" not in str(error.value)
