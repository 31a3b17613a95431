import numpy as np
import pytest

from vlbench.metrics.published import (
    balanced_accuracy,
    clip_benchmark_average_precision,
    elevater_11_point,
    elevater_mean_per_class,
    ram_average_precision,
    ram_precision_recall,
    roc_auc,
    sugarcrepe_matches,
    winoground_matches,
)

EXACT = {"atol": 1e-6, "rtol": 0}


def test_ram_average_precision_and_its_bounds(parity):
    data = parity("ram_map_pr")
    for ties, key in (
        ("stable_reversed", "AP_tie_rule_stable_reversed"),
        ("best", "AP_tie_best"),
        ("worst", "AP_tie_worst"),
    ):
        values = ram_average_precision(data["scores"], data["targets"], ties=ties)
        np.testing.assert_allclose(values, data[key], **EXACT)
    stable = ram_average_precision(data["scores"], data["targets"])
    untied = [j for j in range(12) if j != 4]
    np.testing.assert_allclose(stable[untied], data["AP"][untied], **EXACT)
    assert stable[7] == 0  # no positives, and part of the published mean
    # what one machine made of the ties of class 4 is all the published mean differs by
    assert stable.mean() + (data["AP"][4] - stable[4]) / 12 == pytest.approx(float(data["mAP"]), abs=1e-6)


def test_ram_precision_and_recall(parity):
    data = parity("ram_map_pr")
    given = data["scores"] >= data["thresholds"]
    given[:, 9] = False  # the fixture never predicts this class
    np.testing.assert_array_equal(given, data["pred"])
    found = ram_precision_recall(data["pred"], data["targets"])
    np.testing.assert_allclose(found.precision, data["P_per_class"], **EXACT)
    np.testing.assert_allclose(found.recall, data["R_per_class"], **EXACT)
    assert found.precision.mean() == pytest.approx(float(data["P"]), abs=1e-6)
    assert found.recall.mean() == pytest.approx(float(data["R"]), abs=1e-6)


def test_clip_benchmark_average_precision(parity):
    data = parity("multilabel_ap")
    values = clip_benchmark_average_precision(data["scores"], data["targets"])
    untied = [j for j in range(12) if j not in (4, 5)]
    np.testing.assert_allclose(values[untied], data["clip_benchmark_AP"][untied], **EXACT)
    low, high = (
        clip_benchmark_average_precision(data["scores"], data["targets"], ties=ties)
        for ties in ("worst", "best")
    )
    assert (low - 1e-6 <= data["clip_benchmark_AP"]).all()
    assert (data["clip_benchmark_AP"] <= high + 1e-6).all()


def test_elevater_11_point(parity):
    data = parity("multilabel_ap")
    values = elevater_11_point(data["scores"], data["targets"])
    np.testing.assert_allclose(values, data["elevater_11point_AP_per_class"], **EXACT)
    assert np.nanmean(values) == pytest.approx(float(data["elevater_11point_mAP"]), abs=1e-6)


def test_single_label(parity):
    data = parity("single_label")
    for function, key in (
        (balanced_accuracy, "mean_per_class_recall"),
        (elevater_mean_per_class, "elevater_mean_per_class"),
    ):
        assert function(data["logits"], data["labels"]) == pytest.approx(float(data[key]), abs=1e-6)
    auc = roc_auc(data["auc_scores"], data["auc_labels"])
    assert auc == pytest.approx(float(data["roc_auc"]), abs=1e-6)


def test_roc_auc_counts_a_tie_as_half_and_needs_both_labels():
    scores = np.array([[0, 1.0], [0, 1.0], [0, 2.0]])
    assert roc_auc(scores, np.array([0, 1, 1])) == 0.75
    assert np.isnan(roc_auc(scores, np.array([1, 1, 1])))


@pytest.fixture
def pair_scores(parity):
    data = parity("image_caption_selection")
    images, texts = (
        data[side] / np.linalg.norm(data[side], axis=2, keepdims=True) for side in ("image_emb", "text_emb")
    )
    return data, np.einsum("kid,ktd->kit", images, texts)


def test_winoground(pair_scores):
    data, scores = pair_scores
    found = winoground_matches(scores)
    np.testing.assert_array_equal(found.image, data["winoground_image_correct"])
    np.testing.assert_array_equal(found.text, data["winoground_text_correct"])
    for matches, key in ((found.image, "image_acc"), (found.text, "text_acc"), (found.both, "acc")):
        assert matches.mean() == pytest.approx(float(data[f"winoground_{key}"]), abs=1e-6)


def test_sugarcrepe(pair_scores):
    data, scores = pair_scores
    share = sugarcrepe_matches(scores[:, 0]).mean()
    assert share == pytest.approx(float(data["sugarcrepe_text_acc"]), abs=1e-6)
    assert share == pytest.approx(float(data["sugarcrepe_acc"]), abs=1e-6)


@pytest.mark.parametrize("constant", [0.0, np.nan])
def test_ties_and_nan_never_help(constant):
    found = winoground_matches(np.full((3, 2, 2), constant))
    assert not (found.image | found.text).any()
    assert not sugarcrepe_matches(np.full((3, 2), constant)).any()
