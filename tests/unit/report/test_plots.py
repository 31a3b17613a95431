"""Figures show the numbers of results, and nothing is drawn without matplotlib or without results."""

import sys

import pytest

from vlbench.api.results import Results
from vlbench.core.errors import Unsupported, VlbenchError
from vlbench.core.measurement import Measurement


@pytest.fixture
def scored(make_result):
    """A result with a score between its ends."""

    def make(value, *, model="small", task="shapes", **changes):
        ends = (None, None) if value is None else (value - 0.125, value + 0.25)
        measured = Measurement(value, 200, *ends, "wilson", metric="acc1")
        return make_result(model=model, task=task, metrics=(measured,), **changes)

    return make


@pytest.fixture
def pyplot(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    return pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed (the extra plots)")


def bars(axis):
    """The ends of every interval that an axes shows."""
    return [
        [round(float(x), 4) for x, _ in segment] for bar in axis.collections for segment in bar.get_segments()
    ]


@pytest.mark.usefixtures("pyplot")
def test_intervals_are_a_line_a_model_and_a_part_a_task(scored):
    found = Results(
        [scored(0.5), scored(0.25, model="large"), scored(None, model="odd"), scored(0.75, task="digits")]
    )
    figure = found.plot()
    assert [axis.get_title() for axis in figure.axes] == ["shapes", "digits"]
    first = figure.axes[0]
    assert [each.get_text() for each in first.get_yticklabels()] == ["odd", "large", "small"]
    assert bars(first) == [[0.125, 0.5], [0.375, 0.75]]
    assert first.get_xlabel() == "acc1"
    assert [axis.get_title() for axis in found.plot(tasks="digits").axes] == ["digits"]


@pytest.mark.usefixtures("pyplot")
def test_curves_over_shots_and_steps_have_their_points(scored):
    few = [
        scored(value, model=f"small+probe@{shots}", method=f"probe@{shots}", settings={"shots": shots})
        for shots, value in ((4, 0.75), (1, 0.5))
    ]
    figure = Results([*few, scored(0.25)]).plot("few-shot")
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert [*figure.axes[0].get_lines()[0].get_xdata()] == [1, 4]
    assert [*lines["small, zero-shot"].get_ydata()] == [0.25, 0.25]
    run = [
        scored(
            value,
            model=f"mine@{step}",
            settings={"step": step, "steps_of": "mine"},
            learned={"validation_acc1": 1 - value},
        )
        for step, value in ((20, 0.75), (0, 0.5))
    ]
    axis = Results(run).plot("steps").axes[0]
    shown = [([*line.get_xdata()], [*line.get_ydata()]) for line in axis.get_lines()]
    assert ([0, 20], [0.5, 0.75]) in shown
    assert ([0], [0.5]) in shown  # the ring around the best
    assert axis.get_xlabel() == "training step"


@pytest.mark.usefixtures("pyplot")
def test_a_scatter_shows_the_models_that_have_two_tasks(scored):
    found = [scored(0.5), scored(0.25, task="digits"), scored(0.5, model="other")]
    figure = Results(found).plot("scatter")
    (axis,), (names,) = figure.axes, figure.legends
    assert [each.get_text() for each in names.get_texts()] == ["small"]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("shapes: acc1", "digits: acc1")
    with pytest.raises(VlbenchError, match="a scatter is of two tasks, and there are 1; name two"):
        Results(found).plot("scatter", tasks="shapes")


@pytest.mark.usefixtures("pyplot")
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("steps",), "nothing to draw: no result is of a step"),
        (("few-shot",), "nothing to draw: no result is by a method with shots"),
        (("bars",), "a plot of 'bars' is none of intervals, few-shot, steps, scatter"),
        (("intervals", "cars"), "no result on cars; there are shapes"),
    ],
)
def test_what_there_is_not_is_not_drawn(asked, message, scored):
    with pytest.raises(VlbenchError, match=message):
        Results([scored(0.5)]).plot(*asked)


def test_without_the_extra_one_line_names_it(scored, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(Unsupported, match=r"^a plot needs an extra: pip install 'vlbench\[plots\]'$"):
        Results([scored(0.5)]).plot()
