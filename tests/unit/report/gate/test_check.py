import json
from dataclasses import replace

import pytest

from vlbench.core.errors import UnknownName, VlbenchError
from vlbench.report.gate.baseline import BaselineRow, rows_of
from vlbench.report.gate.check import Tolerances, compare_rows, sentence
from vlbench.report.gate.check_text import counts_line, findings_text

ROW = BaselineRow("small", "shapes", "acc1", 0.5, 0.46, 0.55, 200, "fp32", "held-out", "d1", "w1", "i1", "t1")
RANK = replace(
    ROW, metric="image_retrieval_median_rank", value=3.0, ci_low=2.5, ci_high=3.25, lower_is_better=True
)


def only(before, after, tolerance=""):
    (finding,) = compare_rows(before, after, Tolerances.of_text(tolerance))
    return finding


def moved(row, value, tolerance=""):
    return only([row], [replace(row, value=value)], tolerance)


def test_equal_rows_are_no_finding_and_six_decimals_are_equal():
    assert compare_rows([ROW], [ROW]) == ()
    assert compare_rows([ROW], [replace(ROW, value=0.5000004)]) == ()


@pytest.mark.parametrize(
    ("row", "value", "tolerance", "verdict"),
    [
        # noise: the baseline's interval reaches 0.04 down and 0.05 up; only the worse end counts
        (ROW, 0.461, "", "within"),
        (ROW, 0.459, "", "worse"),
        (ROW, 0.539, "", "within"),
        (ROW, 0.541, "", "better"),
        # a tolerance takes the place of the noise, wider or narrower
        (ROW, 0.489, "0.01", "worse"),
        (ROW, 0.49, "0.01", "within"),
        (ROW, 0.42, "acc1=0.1,0.01", "within"),
        (ROW, 0.499, "0", "worse"),
        # without an interval, and with a very narrow one, the default of 0.005
        (replace(ROW, ci_low=None, ci_high=None), 0.4951, "", "within"),
        (replace(ROW, ci_low=0.5, ci_high=0.5), 0.4949, "", "worse"),
        # ranks are better when they are lower: 0.25 up is the noise
        (RANK, 3.25, "", "within"),
        (RANK, 3.5, "", "worse"),
        (RANK, 2.5, "", "better"),
        (ROW, None, "", "unmeasured"),
        (replace(ROW, value=None), 0.5, "", "unmeasured"),
    ],
)
def test_a_value_is_worse_beyond_its_tolerance_or_its_noise(row, value, tolerance, verdict):
    finding = moved(row, value, tolerance)
    assert finding.verdict == verdict
    assert finding.failed == (verdict in ("worse", "unmeasured"))


TOLD = replace(
    ROW,
    left_out=0,
    n_images=200,
    n_relevant=200,
    truth="r1",
    validation="",
    training="",
    source_revision="s1",
    device="cpu",
)


@pytest.mark.parametrize(
    ("row", "value", "tolerance", "verdict"),
    [
        (TOLD, 0.4951, "", "within"),
        (TOLD, 0.4949, "", "worse"),
        (TOLD, 0.5049, "", "within"),
        (TOLD, 0.5051, "", "gained"),
        (TOLD, 0.54, "0.05", "within"),
        (TOLD, 0.56, "0.05", "gained"),
        # of one fewer told input the interval stands, 0.04 down and 0.05 up
        (replace(TOLD, device=""), 0.461, "", "within"),
        (replace(TOLD, weights=""), 0.461, "", "within"),
        (replace(TOLD, image_ids=""), 0.461, "", "within"),
        (replace(TOLD, image_ids=""), 0.56, "", "better"),
    ],
)
def test_equal_inputs_are_held_to_the_tolerance_and_not_to_another_samples_interval(
    row, value, tolerance, verdict
):
    assert moved(row, value, tolerance).verdict == verdict


def test_another_kind_of_device_keeps_the_interval():
    (finding,) = compare_rows([TOLD], [replace(TOLD, value=0.461, device="cuda")])
    assert finding.verdict == "within"


def test_a_gain_of_equal_inputs_is_a_warning_that_fails_nothing():
    finding = moved(TOLD, 0.999)
    assert (finding.failed, finding.warned) == (False, True)
    assert finding.message.endswith(
        "though images, weights and device are the same: find out why before you accept it"
    )
    assert findings_text([finding], "text").splitlines()[2].startswith("WARN")


def test_a_baseline_without_a_value_holds_nothing_and_fails():
    finding = moved(replace(ROW, value=None), 0.1)
    assert finding.failed
    assert finding.message == "the baseline has no value to hold 0.1000 against"
    assert compare_rows([replace(ROW, value=None)], [replace(ROW, value=None)]) == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"truth": "r2"}, "other data: the right answers were r1, are r2"),
        ({"n_images": 100}, "other data: 200 images, now 100"),
        ({"n_relevant": 150}, "other data: 200 right answers, now 150"),
        ({"source_revision": "s2"}, "other data: the source's revision was s1, is s2"),
        ({"validation": "v2"}, "other data: the validation images were none, are v2"),
        ({"training": "a2"}, "other data: the training images were none, are a2"),
        ({"n": 100}, "other data: measured over 200, now over 100"),
        ({"left_out": 3}, "other data: measured over 200, now over 200 (3 left out)"),
    ],
)
def test_data_that_changed_are_named_even_where_no_value_moved(changes, message):
    for was, now in ((TOLD, replace(TOLD, **changes)),):
        finding = only([was], [now])
        assert (finding.verdict, finding.failed, finding.message) == ("data", True, message)
    # what an earlier version's baseline does not tell is not held against a result
    untold = replace(TOLD, **dict.fromkeys(changes.keys() - {"n"}))
    if untold != TOLD:
        assert compare_rows([untold], [replace(TOLD, **changes)]) == ()


def test_one_row_of_other_inputs_is_enough():
    rows = [TOLD, replace(TOLD, metric="acc5")]
    finding = only([rows[0], replace(rows[1], weights="w2")], rows)
    assert finding.message == "other weights: were w2, are w1"


def test_digests_of_bytes_and_of_sizes_are_not_held_against_each_other():
    verified = replace(TOLD, source_revision="sha256:aa")
    assert compare_rows([TOLD], [verified]) == ()
    assert only([verified], [replace(TOLD, source_revision="sha256:bb")]).verdict == "data"


def test_what_the_baseline_does_not_list_fails_where_it_has_to_be_complete():
    after = [ROW, replace(ROW, metric="acc5"), replace(ROW, model="large")]
    findings = compare_rows([ROW], after, strict=True)
    assert [finding.verdict for finding in findings] == ["unlisted", "unlisted"]
    assert sum(each.failed for each in findings) == 2


def test_the_sentence_says_how_far_it_fell_and_what_is_allowed():
    assert sentence(moved(ROW, 0.4)) == (
        "small on shapes, acc1: fell by 0.1000 to 0.4000, more than its noise of 0.0400"
    )
    assert sentence(moved(RANK, 5.0, "1")) == (
        "small on shapes, image_retrieval_median_rank: "
        "rose by 2.0000 to 5.0000, more than the tolerance of 1.0000"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"protocol_digest": "d2", "texts": "t2"}, "another protocol: was held-out (d1), is held-out (d2)"),
        ({"weights": "w2"}, "other weights: were w1, are w2"),
        ({"image_ids": "i2"}, "other data: the images were i1, are i2"),
        ({"texts": "t2"}, "other data: the texts were t1, are t2"),
        ({"precision": "bf16"}, "another precision: was fp32, is bf16"),
    ],
)
def test_what_it_was_measured_with_is_named_once_for_a_result_even_where_no_value_moved(changes, message):
    rows = [ROW, replace(ROW, metric="acc5")]
    finding = only(rows, [replace(row, **changes) for row in rows])
    assert (finding.failed, finding.metric, finding.message) == (True, "", message)


def test_a_change_of_weights_does_not_hide_what_moved():
    after = replace(ROW, value=0.4, weights="w2")
    assert [finding.verdict for finding in compare_rows([ROW], [after])] == ["weights", "worse"]


def test_a_task_that_version_0_1_named_by_a_method_is_told_what_it_is_now():
    finding = only([replace(ROW, task="shapes-tags+best-f1")], [])
    assert finding.failed
    assert finding.message == "vanished: best-f1 is a method of the row now: small+best-f1 on shapes-tags"


def test_vanished_models_tasks_results_and_metrics_are_told_apart():
    rows = [
        replace(ROW, model=model, task=task) for model in ("large", "small") for task in ("digits", "shapes")
    ]
    large_digits, large_shapes, small_digits, small_shapes = rows

    def message(kept):
        return {sentence(finding) for finding in compare_rows(rows, kept) if finding.failed}

    assert message([large_digits, large_shapes, small_shapes]) == {
        "small on digits: vanished: there is no whole result any more"
    }
    assert message([large_shapes, small_shapes]) == {
        f"{model} on digits: vanished: no model has a whole result on the task any more"
        for model in ("large", "small")
    }
    assert message([small_digits, small_shapes]) == {
        f"large on {task}: vanished: the model has no whole result any more" for task in ("digits", "shapes")
    }
    metric = only([ROW, replace(ROW, metric="acc5")], [ROW])
    assert sentence(metric) == "small on shapes, acc5: vanished: the metric is not measured any more"


def test_new_results_and_metrics_fail_nothing():
    after = [ROW, replace(ROW, metric="acc5"), replace(ROW, model="large")]
    findings = compare_rows([ROW], after)
    assert [finding.verdict for finding in findings] == ["new", "new"]
    assert not any(each.failed for each in findings)
    assert [finding.message for finding in findings] == [
        "not in the baseline: 1 metric",
        "not in the baseline",
    ]


@pytest.mark.parametrize("text", ["5", "acc1=1.5", "0.01,brier=3"])
def test_a_tolerance_that_lets_any_fraction_pass_is_refused(text):
    with pytest.raises(VlbenchError, match=r"lets any fraction pass; 0\.05 are five points"):
        Tolerances.of_text(text).refuse_unknown([ROW, replace(ROW, metric="brier", most=2.0)])
    assert Tolerances.of_text("image_retrieval_median_rank=5").of("image_retrieval_median_rank") == 5


@pytest.mark.parametrize(
    ("text", "of"),
    [("0.001,0.9", "all metrics"), ("acc1=0.1, acc1 =0.2", "acc1"), ("0.1,acc1=0.2,0.1", "all metrics")],
)
def test_two_tolerances_for_one_thing_are_refused(text, of):
    with pytest.raises(VlbenchError, match=f"a second one for {of}; give one"):
        Tolerances.of_text(text)


@pytest.mark.parametrize("text", ["much", "acc1=", "-0.1", "acc1=inf", "nan"])
def test_tolerances_are_numbers_of_0_or_more(text):
    with pytest.raises(VlbenchError, match="tolerance"):
        Tolerances.of_text(text)


def test_a_tolerance_is_found_by_whole_name_and_by_registry_name_and_a_misspelt_one_is_refused():
    tolerances = Tolerances.of_text("recall=0.2, recall@5=0.1")
    assert [tolerances.of(name) for name in ("recall@5", "recall@1", "acc1")] == [0.1, 0.2, None]
    tolerances.refuse_unknown([replace(ROW, metric="recall@5")])
    with pytest.raises(UnknownName, match="no metric named 'recall'"):
        tolerances.refuse_unknown([ROW])


def test_forms_of_the_answer():
    findings = compare_rows(
        [ROW, replace(ROW, model="a|b")], [replace(ROW, value=0.4), replace(ROW, model="a|b", value=0.9)]
    )
    table = findings_text(findings, "text").splitlines()
    assert table[2].split()[:8] == ["ok", "a|b", "shapes", "acc1", "0.5000", "0.9000", "+0.4000", "0.0400"]
    assert table[3].startswith("FAIL  small  shapes  acc1      0.5000  0.4000  -0.1000   0.0400  fell by")
    markdown = findings_text(findings, "markdown").splitlines()
    assert markdown[2].startswith("| ok | a\\|b | shapes | acc1 | 0.5000 | 0.9000 | +0.4000 |")
    first, second = json.loads(findings_text(findings, "json"))
    assert (first["verdict"], first["failed"], second["failed"]) == ("better", False, True)
    assert second["change"] == pytest.approx(-0.1)
    assert counts_line(findings) == "1 worse, 1 better"
    assert findings_text((), "text") == ""
    assert json.loads(findings_text((), "json")) == []


def test_a_value_that_is_no_number_fails(make_result):
    (finding,) = compare_rows(rows_of([make_result()])[:1], rows_of([make_result(acc1=float("nan"))])[:1])
    assert (finding.verdict, finding.failed) == ("unmeasured", True)
