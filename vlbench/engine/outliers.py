"""A task made of the classes of one task and the images of another, to detect outliers."""

from dataclasses import replace

import numpy as np

from vlbench.core.errors import Unsupported
from vlbench.core.problem import Problem
from vlbench.core.relevance import Relevance
from vlbench.core.task import Task


def outlier_task(inside: Task, outside: Task) -> Task:
    """Ask about the texts of `inside` on the images of `outside`: no pair is right, and no metric is
    measured.

    It uses the stored features of both tasks.

    Raises:
        Unsupported: the scoring of `inside` does not keep the best text of each image.
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
