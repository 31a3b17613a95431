import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import linregress

from vlbench.cards.published import published_of
from vlbench.cards.robustness import robustness_fits, robustness_path
from vlbench.core.errors import CardError

SCRIPT = Path(__file__).parents[3] / "scripts" / "fit_robustness.py"


@pytest.mark.slow
def test_the_stored_fits_are_those_of_the_published_scores():
    made = runpy.run_path(str(SCRIPT))["fits_text"](published_of())
    assert robustness_path().read_text(encoding="utf-8") == made


def test_a_fit_equals_scipys_over_the_models_that_it_names():
    (fit,) = [each for each in robustness_fits() if each.task == "imagenet-sketch"]
    pairs = [
        {
            score.model: score.value
            for score in published_of(task=task)
            if score.metric == "acc1" and not score.differs and score.source == fit.source
        }
        for task in (fit.reference, fit.task)
    ]
    models = sorted(pairs[0].keys() & pairs[1].keys())
    shares = np.array([[pair[model] for model in models] for pair in pairs])
    line = linregress(*np.log(shares / (1 - shares)))
    assert len(models) == fit.models > 50
    assert (fit.slope, fit.intercept) == pytest.approx((line.slope, line.intercept), abs=1e-6)
    assert fit.r_squared == pytest.approx(line.rvalue**2, abs=1e-4)


@pytest.mark.parametrize("text", ["{", "{}", '{"fits": [{"task": "a"}]}'])
def test_a_damaged_file_is_named(tmp_path, text):
    path = tmp_path / "fits.json"
    path.write_text(text)
    with pytest.raises(CardError, match=r"fits\.json: .*fit_robustness"):
        robustness_fits(path)
