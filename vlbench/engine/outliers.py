"""One task's classes asked of another task's images: nothing is right, and confidence should show it."""

from dataclasses import replace

import numpy as np

from vlbench.core.errors import Unsupported
from vlbench.core.problem import Problem
from vlbench.core.relevance import Relevance
from vlbench.core.task import Task


def outlier_task(inside: Task, outside: Task) -> Task:
    """The texts of a task over the images of another one, without a metric.

    Image features are those of the other task's own runs, texts those of the first's.

    Raises:
        Unsupported: the first task keeps no best text of an image.
    """
    if not {"best_scores", "log_sums"} <= inside.scoring.keeps:
        raise Unsupported(
            f"{inside.name}: keeps no best class of its images; name a task of classes first, then the one "
            "whose images lie outside"
        )
    images, queries = outside.problem.images, inside.problem.queries
    nothing = np.empty(0, dtype=np.int64)
    problem = Problem(images, queries, Relevance(nothing, nothing, (len(images), len(queries))))
    return replace(
        inside,
        name=f"{inside.name}, images of {outside.name}",
        problem=problem,
        metrics={},
        partial=outside.partial,
        thresholds=None,
    )
