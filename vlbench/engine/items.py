"""The per-item record of a finished job, from its stored prediction; imports no torch."""

from pathlib import Path

from vlbench.core.errors import VlbenchError
from vlbench.core.items import MOST_SCORES, Items
from vlbench.core.measurement import MetricOptions
from vlbench.core.metric_name import split_metric
from vlbench.engine.job import Job
from vlbench.engine.stored import decided_prediction


def stored_items(job: Job, cache: Path, *, most_scores: int = MOST_SCORES) -> Items:
    """Items of a job that has run; the primary metric says what each image adds to it.

    Raises:
        VlbenchError: the cache has lost the prediction.
    """
    kept = decided_prediction(job, cache)
    if kept is None:
        raise VlbenchError(
            f"{job.row} on {job.task.name}: the stored predictions are gone; empty {cache} and rerun"
        )
    task = job.task
    prediction = kept[0]
    options = MetricOptions(at=split_metric(task.primary)[1], seed=job.seed)
    measured = task.metrics[task.primary](prediction, task.problem, options)
    return Items.of(task.problem, prediction, influence=measured.influence, most_scores=most_scores)
