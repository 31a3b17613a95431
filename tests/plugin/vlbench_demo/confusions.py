"""A metric that is better when it is lower, and no fraction: wrong texts that come before the right one."""

import numpy as np

from vlbench.core.contracts import Prediction
from vlbench.core.items import Contributions, Items
from vlbench.core.measurement import Measurement, MetricOptions
from vlbench.core.metric import metric
from vlbench.core.problem import Problem


def wrong_before(items: Items, _: float | None) -> Contributions | None:
    """How many wrong texts come before each image's right one; for paired tests of two models."""
    if items.image_ranks is None:
        return None
    wrong = (items.image_ranks[items.image_ranks > 0] - 1).astype(np.float64)
    return Contributions("over images", wrong, np.ones(wrong.size))


@metric(reads={"row_ranks"}, lower_is_better=True, most=None, items=wrong_before)
def demo_confusions(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean over images of the number of wrong texts that score at least as high as the best right one."""
    ranks = prediction["row_ranks"][prediction["row_ranks"] > 0]
    return Measurement(value=float(np.mean(ranks - 1)) if ranks.size else None, n=int(ranks.size))
