"""The lowest accuracy of a group of images, such as those of a region."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction
from vlbench.core.measurement import Measurement, MetricOptions, Part
from vlbench.core.metric import metric
from vlbench.core.problem import Problem
from vlbench.metrics.accuracy import worst_rank
from vlbench.metrics.binomial import mean_lowest_share
from vlbench.metrics.intervals import wilson
from vlbench.metrics.random_ranks import within_by_chance


def _groups(problem: Problem, counted: NDArray[np.bool_]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Each group of images, by name, and which of the `counted` images [n] it has, [n]."""
    groupings = {name: each.labels for name, each in problem.groups.items() if each.of == "candidates"}
    for grouping, stated in groupings.items():
        labels = np.array(stated)
        for label in sorted(set(labels[counted & (labels != "")].tolist())):
            yield label if len(groupings) == 1 else f"{grouping}: {label}", counted & (labels == label)


def _within(options: MetricOptions) -> int:
    return 1 if options.at is None else int(options.number)


def _lowest_by_chance(problem: Problem, options: MetricOptions) -> float | None:
    """None where images are in several groups, or differ in how probable it is to be right."""
    right = problem.relevant.row_counts
    members = [members for _, members in _groups(problem, right > 0)]
    several = bool(members) and np.sum(members, axis=0).max() > 1
    if problem.asked is not None or not members or several or np.ptp(right[right > 0]):
        return None
    p = within_by_chance("candidates", _within(options), problem, options)
    return None if p is None else mean_lowest_share(np.array([each.sum() for each in members]), p)


def _lowest_of_one_class(problem: Problem, options: MetricOptions) -> float | None:
    """None for more than one class, where the best ones are not known."""
    if problem.asked is not None or _within(options) > 1:
        return None
    relevant = problem.relevant
    shares = [
        np.bincount(relevant.queries[members[relevant.candidates]], minlength=relevant.shape[1])
        / members.sum()
        for _, members in _groups(problem, relevant.row_counts > 0)
    ]
    return float(np.min(shares, axis=0).max()) if shares else None


@metric(reads={"row_ranks"}, at="k", chance=_lowest_by_chance, constant=_lowest_of_one_class)
def worst_group_accuracy(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """The lowest accuracy of a group of images: top-1, or top-5 as `worst_group_accuracy@5`.

    Groups are regions, incomes or other attributes in the data. WILDS and the fairness data sets of DataComp
    use this measure (Koh et al. 2021, arXiv 2012.07421).

    Where images are grouped in several ways (race, gender), it is the lowest over all groups. `n` counts the
    groups, `left_out` the images without a group or a class; the parts are the groups. None where the data
    have no groups, or no image could be wrong. The interval is Wilson's for the worst group, as if it had
    been chosen beforehand.

    >>> from dataclasses import replace
    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> from vlbench.core.problem import Groups
    >>> regions = {"region": Groups("candidates", ("north", "south", "south"))}
    >>> problem = replace(small_problem([[1, 0], [1, 0], [0, 1]]), groups=regions)
    >>> worst_group_accuracy(small_prediction(row_ranks=[1, 2, 1]), problem, MetricOptions()).value
    0.5
    """
    ranks = prediction["row_ranks"]
    within = _within(options)
    names, sizes, hits = [], [], []
    grouped = np.zeros(ranks.size, dtype=np.bool_)
    for name, members in _groups(problem, ranks > 0):
        grouped |= members
        names.append(name)
        sizes.append(int(members.sum()))
        hits.append(int(np.sum(ranks[members] <= within)))
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
