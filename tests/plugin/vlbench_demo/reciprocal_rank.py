"""A metric: mean reciprocal rank of the best right text."""

import numpy as np

from vlbench.core.contracts import Prediction
from vlbench.core.measurement import Measurement, MetricOptions
from vlbench.core.metric import metric
from vlbench.core.problem import Problem


@metric(reads={"row_ranks"})
def demo_reciprocal_rank(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean of 1 / rank over the images that have a right text; without an interval."""
    ranks = prediction["row_ranks"][prediction["row_ranks"] > 0]
    return Measurement(value=float(np.mean(1 / ranks)) if ranks.size else None, n=int(ranks.size))
