"""The best that one ranking for all reaches: a model that gives every image the same scores, or every text.

Where images are asked for texts, each image has the same ranking of the texts; where texts are asked for
images, each text has the same ranking of the images. The ranking is the best one for the truth that is
measured. Where some pairs are not asked about, one ranking is another one for each, and nothing is stated.
"""

import numpy as np

from vlbench.core.measurement import MetricOptions
from vlbench.core.problem import Problem
from vlbench.metrics.binomial import Counts
from vlbench.metrics.random_ranks import Side


def gains(of: Side, problem: Problem, most: int | None = None) -> Counts | None:
    """How many candidates (or queries) have their first right answer at each place of the best common
    ranking.

    They are descending, and their first k are as many as any k answers are right for. None where this is
    not known, as where answers are right for several that have several right answers: to cover most with k
    answers is then hard, but for `most` = 1.

    >>> from vlbench.core.small_problem import small_problem
    >>> gains("candidates", small_problem([[1, 0], [1, 0], [0, 1]])).tolist()
    [2, 1]
    >>> gains("candidates", small_problem([[1, 1, 0], [0, 1, 1]]), most=1).tolist()
    [2]
    """
    if problem.asked is not None:
        return None
    relevant = problem.relevant
    own, answers = relevant.row_counts, relevant.column_counts
    if of == "queries":
        own, answers = answers, own
    if own.max(initial=0) <= 1 or most == 1:
        found = np.sort(answers[answers > 0])[::-1]
        return found[:most]
    if answers.max(initial=0) <= 1:
        return np.ones(np.count_nonzero(own), dtype=np.int64)[:most]
    return None


def within_of_common(of: Side, k: int | None, problem: Problem, options: MetricOptions) -> float | None:
    """The largest fraction of candidates (or queries) with something right among k answers for all.

    >>> from vlbench.core.small_problem import small_problem
    >>> within_of_common("candidates", 1, small_problem([[1, 0], [1, 0], [0, 1], [0, 0]]), MetricOptions())
    0.6666666666666666
    """
    relevant = problem.relevant
    own = relevant.row_counts if of == "candidates" else relevant.column_counts
    found = gains(of, problem, int(options.number) if k is None else k)
    count = np.count_nonzero(own)
    return None if found is None or not count else float(found.sum() / count)


def median_of_common(of: Side, problem: Problem, _: MetricOptions) -> float | None:
    """The lowest median of the ranks of candidates' (or queries') best right answers in one ranking for all.

    >>> from vlbench.core.small_problem import small_problem
    >>> median_of_common("queries", small_problem([[1, 1, 0], [0, 0, 1]]), MetricOptions())
    1.0
    """
    found = gains(of, problem)
    if found is None or not found.size:
        return None
    return float(np.median(np.repeat(np.arange(1, found.size + 1), found)))
