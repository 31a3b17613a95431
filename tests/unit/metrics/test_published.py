import numpy as np
import pytest

from vlbench.metrics.published import elevater_11_point, ram_average_precision, ram_precision_recall

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


def test_elevater_11_point(parity):
    data = parity("multilabel_ap")
    values = elevater_11_point(data["scores"], data["targets"])
    np.testing.assert_allclose(values, data["elevater_11point_AP_per_class"], **EXACT)
    assert np.nanmean(values) == pytest.approx(float(data["elevater_11point_mAP"]), abs=1e-6)
