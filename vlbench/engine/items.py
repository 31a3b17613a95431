"""Items of jobs that have run, and their predictions, which are computed again where they are lost."""

from dataclasses import replace
from pathlib import Path

from vlbench.core.contracts import Prediction
from vlbench.core.errors import VlbenchError
from vlbench.core.items import MOST_SCORES, Items
from vlbench.core.measurement import MetricOptions
from vlbench.core.metric_name import split_metric
from vlbench.engine.job import Job
from vlbench.engine.settings import RunSettings
from vlbench.engine.stored import decided_prediction


def keep_predictions(job: Job, settings: RunSettings, cache: Path) -> None:
    """Score a job again if its predictions, or those that it learns from, are lost or damaged."""
    if decided_prediction(job, cache) is None:
        # torch is imported here, so that a run with everything stored starts without it
        from vlbench.engine.evaluate import evaluate_alone

        evaluate_alone(job, settings, cache)


def with_listed(job: Job, prediction: Prediction, settings: RunSettings, cache: Path) -> Prediction:
    """A job's prediction with what its table lists beside, which is scored anew."""
    if not job.task.scoring.listed_by:
        return prediction
    # torch is imported here, so that a run with everything stored starts without it
    from vlbench.engine.evaluate import listed

    return replace(prediction, arrays={**prediction.arrays, **listed(job, settings, cache).arrays})


def stored_items(job: Job, cache: Path, *, most_scores: int = MOST_SCORES) -> Items:
    """The items of a job that has run, with what each image contributes to the primary metric.

    Raises:
        VlbenchError: the prediction is no longer in the cache.
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
