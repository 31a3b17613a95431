"""A metric whose values have no ends: the mean margin of the right text."""

import numpy as np

from vlbench.core.contracts import Prediction
from vlbench.core.measurement import Measurement, MetricOptions
from vlbench.core.metric import metric
from vlbench.core.problem import Problem


@metric(reads={"margins"}, least=None, most=None)
def demo_mean_margin(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean over images of the right text's score less that of the best wrong one."""
    margins = prediction["margins"][np.isfinite(prediction["margins"])]
    return Measurement(value=float(margins.mean()) if margins.size else None, n=int(margins.size))
