"""The 11-point mean average precision as a metric."""

import numpy as np
import pytest

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.errors import CardError, NotFinite
from vlbench.core.measurement import MetricOptions
from vlbench.metrics.eleven_points import elevater_11_point, eleven_point_mean_average_precision

AS_IT_IS = ScoreUnit("cosine")


def test_by_hand_without_the_tag_that_no_image_has(problem_of):
    # tag 0, right wrong right: precision 1 up to recall 0.5 (6 points), 2/3 beyond; tag 1, wrong right wrong
    truth = np.array([[True, False, False], [False, True, False], [True, False, False]])
    scores = np.array([[3.0, 2.0, 1.0], [2.0, 1.0, 1.0], [1.0, 0.0, 1.0]])
    found = eleven_point_mean_average_precision(
        Prediction(AS_IT_IS, {"scores": scores}), problem_of(truth), MetricOptions()
    )
    first, second = (6 + 5 * 2 / 3) / 11, (1 + 10 * 0.5) / 11
    assert [part.value for part in found.parts] == [pytest.approx(first), pytest.approx(second), None]
    assert found.value == pytest.approx((first + second) / 2)
    assert (found.n, found.left_out, found.ci_low) == (2, 1, None)


def test_elevaters_own_numbers(parity, problem_of):
    data = parity("multilabel_ap")
    prediction = Prediction(AS_IT_IS, {"scores": np.ascontiguousarray(data["scores"])})
    found = eleven_point_mean_average_precision(prediction, problem_of(data["targets"]), MetricOptions())
    assert found.value == pytest.approx(float(data["elevater_11point_mAP"]), abs=1e-6)


def test_what_cannot_be_measured_is_refused(problem_of):
    problem = problem_of(np.array([[True], [False]]))
    with pytest.raises(CardError):
        eleven_point_mean_average_precision(
            Prediction(AS_IT_IS, {"scores": np.zeros((2, 1))}), problem, MetricOptions(at=5)
        )
    with pytest.raises(NotFinite):
        eleven_point_mean_average_precision(
            Prediction(AS_IT_IS, {"scores": np.full((2, 1), np.nan)}), problem, MetricOptions()
        )


def test_elevater_11_point(parity):
    data = parity("multilabel_ap")
    columns = zip(data["scores"].T, data["targets"].T, strict=True)
    values = [elevater_11_point(own, right) if right.any() else np.nan for own, right in columns]
    np.testing.assert_allclose(values, data["elevater_11point_AP_per_class"], atol=1e-6, rtol=0)
    assert np.nanmean(values) == pytest.approx(float(data["elevater_11point_mAP"]), abs=1e-6)
