"""A metric: mean reciprocal rank of the best right text."""

import numpy as np

from vlbench.core.contracts import Prediction, Problem
from vlbench.core.errors import Unsupported
from vlbench.core.measurement import Measurement, MetricOptions


def demo_reciprocal_rank(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean of 1 / rank over the images that have a right text; without an interval.

    Raises:
        Unsupported: the task keeps no ranks of texts.
    """
    if prediction.row_ranks is None:
        raise Unsupported("demo_reciprocal_rank reads ranks of texts, which this task does not keep; drop it")
    ranks = prediction.row_ranks[prediction.row_ranks > 0]
    return Measurement(value=float(np.mean(1 / ranks)) if ranks.size else None, n=int(ranks.size))
