"""A metric: mean reciprocal rank of the best right text."""

import numpy as np

from vlbench.core.contracts import Prediction
from vlbench.core.measurement import Measurement, MetricOptions
from vlbench.core.metric import metric
from vlbench.core.problem import Problem


def by_chance(problem: Problem, _: MetricOptions) -> float | None:
    """The mean of 1 / rank where each rank is equally probable; None where an image has several right
    texts."""
    if problem.asked is not None or (problem.relevant.row_counts > 1).any():
        return None
    return float(np.mean(1 / np.arange(1, len(problem.queries) + 1)))


@metric(reads={"row_ranks"}, chance=by_chance)
def demo_reciprocal_rank(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean of 1 / rank over the images that have a right text; without an interval."""
    ranks = prediction["row_ranks"][prediction["row_ranks"] > 0]
    return Measurement(value=float(np.mean(1 / ranks)) if ranks.size else None, n=int(ranks.size))
