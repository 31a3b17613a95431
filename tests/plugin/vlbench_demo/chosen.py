"""A metric of the demo's own scoring: how often the right text is chosen."""

import numpy as np

from vlbench.core.contracts import Prediction
from vlbench.core.measurement import Measurement, MetricOptions
from vlbench.core.metric import metric
from vlbench.core.problem import Problem


@metric(reads={"margins"})
def demo_chosen(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Share of the images whose right text scores above all wrong ones that are asked; a tie is wrong."""
    margins = prediction["margins"]
    chosen = (margins > 0).astype(np.float64)
    known = np.isfinite(margins)
    return Measurement(
        value=float(chosen[known].mean()) if known.any() else None,
        n=int(known.sum()),
        influence=chosen if known.all() else None,  # of a mean these are its values, for paired tests
    )
