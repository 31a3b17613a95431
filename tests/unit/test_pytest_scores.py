"""What the pytest plug-in makes of a row's name: the model and the options of its marks."""

import pytest

from vlbench.core.errors import DataError
from vlbench.core.method import Method
from vlbench.core.registry import METHODS
from vlbench.pytest_plugin.scores import _as_asked


@pytest.fixture
def probe():
    METHODS.register("probe")(lambda: Method("probe"))
    yield
    METHODS.unregister("probe")


@pytest.mark.usefixtures("probe")
@pytest.mark.parametrize(
    ("row", "model", "options"),
    [
        ("clip", "clip", {}),
        ("clip@12ab34+fp16", "clip@12ab34", {"precision": "fp16"}),
        ("clip+probe", "clip", {"method": "probe"}),
        ("clip+probe@4", "clip", {"method": "probe:shots=4"}),
        (
            "clip+bf16+fast+probe@16.s2",
            "clip",
            {"precision": "bf16", "preprocess": "fast", "method": "probe:shots=16", "seed": 2},
        ),
        # a plus in a model's own name is no mark
        ("a+b", "a+b", {}),
        ("a+b+probe.s0", "a+b", {"method": "probe", "seed": 0}),
        (f"a+probe.s{'9' * 5000}", f"a+probe.s{'9' * 5000}", {}),
    ],
)
def test_marks_of_a_row_are_options_of_a_run(row, model, options):
    assert _as_asked(row) == (model, options)


def test_settings_that_a_name_tells_by_a_digest_cannot_be_run_again():
    with pytest.raises(
        DataError, match=r"clip\+best-f1~3fa2c1: its name does not tell the settings of best-f1"
    ):
        _as_asked("clip+best-f1~3fa2c1")
