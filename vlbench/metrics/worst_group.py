"""Accuracy of the group of images that fares worst: regions, incomes, whatever the data count images by.

The measure of WILDS and of DataComp's data sets about fairness (Koh et al. 2021, arXiv 2012.07421).
"""

import numpy as np

from vlbench.core.contracts import Prediction
from vlbench.core.measurement import Measurement, MetricOptions, Part
from vlbench.core.metric import metric
from vlbench.core.problem import Problem
from vlbench.metrics.accuracy import worst_rank
from vlbench.metrics.intervals import wilson

NAME = "worst_group_accuracy"


@metric(reads={"row_ranks"}, at="k")
def worst_group_accuracy(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """The lowest fraction of a group's images whose class is among the best k: `@5`, or the best without it.

    Where images are grouped in several ways (race, gender), it is the lowest of all. `n` counts the groups,
    `left_out` the images without a group or a class; the parts are the groups. None where the data name no
    groups, or no image could be wrong. The interval is Wilson's of the worst group, as
    if it had been chosen beforehand.
    """
    ranks = prediction["row_ranks"]
    within = 1 if options.at is None else int(options.number)
    groupings = {name: each.labels for name, each in problem.groups.items() if each.of == "candidates"}
    names, sizes, hits = [], [], []
    grouped = np.zeros(ranks.size, dtype=np.bool_)
    for grouping, stated in groupings.items():
        labels = np.array(stated)
        counted = (ranks > 0) & (labels != "")
        grouped |= counted
        for label in sorted(set(labels[counted].tolist())):
            names.append(label if len(groupings) == 1 else f"{grouping}: {label}")
            sizes.append(int(np.sum(counted & (labels == label))))
            hits.append(int(np.sum(ranks[counted & (labels == label)] <= within)))
    left_out = int(np.sum(~grouped))
    if not names or within >= worst_rank(problem.asked_counts("candidates"), problem.relevant.row_counts):
        return Measurement(value=None, n=0, left_out=left_out)
    shares = np.divide(hits, sizes)
    worst = int(np.argmin(shares))
    return Measurement(
        value=float(shares[worst]),
        n=len(names),
        left_out=left_out,
        parts=tuple(Part(*part) for part in zip(names, shares.tolist(), sizes, strict=True)),
        **wilson(float(shares[worst]), sizes[worst], method="Wilson, of the worst group"),
    )
