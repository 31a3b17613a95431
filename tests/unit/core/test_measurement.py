import pytest
from scipy import stats

from vlbench.core.measurement import student_quantile


@pytest.mark.parametrize("freedom", [3, 5, 10, 30, 200])
def test_students_quantile_equals_scipys(freedom):
    assert student_quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=0.012)
