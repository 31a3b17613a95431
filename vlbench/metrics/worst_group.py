"""Accuracy of the group of images that fares worst: regions, incomes, whatever the data count images by.

The measure of WILDS and of DataComp's data sets about fairness (Koh et al. 2021, arXiv 2012.07421).
"""

import numpy as np

from vlbench.core.contracts import Prediction, Problem
from vlbench.core.measurement import Measurement, MetricOptions, Part
from vlbench.core.metric import metric
from vlbench.metrics.intervals import wilson
from vlbench.metrics.ranks import worst_rank

NAME = "worst_group_accuracy"


@metric(reads={"row_ranks"}, at="k")
def worst_group_accuracy(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """The lowest fraction of a group's images whose class is among the best k: `@5`, or the best without it.

    `n` counts the groups, `left_out` the images without a group or a class; the parts are the groups. None
    where the data name no groups, or no image could be wrong. The interval is Wilson's of the worst group, as
    if it had been chosen beforehand.
    """
    ranks = prediction["row_ranks"]
    if problem.groups is None:
        return Measurement(value=None, n=0, left_out=ranks.size)
    within = 1 if options.at is None else int(options.number)
    groups = np.array(problem.groups)
    counted = (ranks > 0) & (groups != "")
    names = sorted(set(groups[counted].tolist()))
    sizes = [int(np.sum(counted & (groups == name))) for name in names]
    hits = [int(np.sum(ranks[counted & (groups == name)] <= within)) for name in names]
    left_out = int(np.sum(~counted))
    if not names or within >= worst_rank(len(problem.texts), problem.relevant.row_counts):
        return Measurement(value=None, n=0, left_out=left_out)
    shares = np.divide(hits, sizes)
    worst = int(np.argmin(shares))
    interval = wilson(hits[worst], sizes[worst])
    return Measurement(
        value=float(shares[worst]),
        n=len(names),
        ci_low=interval.low,
        ci_high=interval.high,
        ci_method=f"{interval.method}, of the worst group",
        left_out=left_out,
        parts=tuple(Part(*part) for part in zip(names, shares.tolist(), sizes, strict=True)),
    )
