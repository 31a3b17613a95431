"""The thresholds that a task states or chooses, in the place of the model's own; imports no torch."""

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.errors import DataError, Unsupported
from vlbench.core.measurement import MetricOptions
from vlbench.core.task import Tuning
from vlbench.engine.plan import Job

_LOWEST = {"cosine": -1.0, "probability": 0.0}


def decided(job: Job, prediction: Prediction, validation: Prediction | None) -> Prediction:
    """A job's prediction under its task's thresholds; as it is where the task has none.

    `validation` is the prediction of the images that they are chosen on.

    Raises:
        DataError: a stated threshold is outside the unit of the model's scores, or nothing is true of the
            validation images.
        Unsupported: thresholds are to be chosen on what keeps no score matrix.
    """
    task = job.task
    if task.thresholds is None:
        return prediction
    if not isinstance(task.thresholds, Tuning):
        check_stated(job, prediction.unit)
        return prediction.under(task.thresholds)
    if validation is None:
        raise Unsupported(f"{task.name}: thresholds are chosen on validation images, and none were scored")
    chosen = task.thresholds.choose(validation, task.thresholds.task.problem, MetricOptions())
    return prediction.under([part.value for part in chosen.parts])


def check_stated(job: Job, unit: ScoreUnit) -> None:
    """Check that the thresholds that a task states are in the unit of a model's scores.

    Raises:
        DataError: one is not; its text is named.
    """
    stated = job.task.thresholds
    if stated is None or isinstance(stated, Tuning):
        return
    low = _LOWEST[unit.kind]
    for text, threshold in zip(job.task.problem.texts, stated, strict=True):
        if not low <= threshold <= 1:
            raise DataError(
                f"{job.task.name}: threshold {threshold:g} of {text.name!r}: {job.checkpoint.name} states a "
                f"{unit.kind}; give a number from {low:g} to 1"
            )
