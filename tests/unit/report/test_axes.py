import pytest

from vlbench.report.axes import logarithmic_axis, straight_axis


def test_axes_have_round_ticks_inside_whatever_the_range():
    for low, high in ((0.11, 0.89), (0.5, 0.5), (0.701, 0.7015), (3, 1200)):
        axis = straight_axis([low, high])
        assert axis.low <= low <= high <= axis.high
        assert 2 <= len(axis.ticks) <= 8
    assert logarithmic_axis([0.5, 900.0]).ticks == (1.0, 10.0, 100.0, 1000.0)
    assert len(logarithmic_axis([300.0, 420.0]).ticks) > 2
    assert logarithmic_axis([10.0, 1000.0]).place(100.0) == pytest.approx(0.5)
