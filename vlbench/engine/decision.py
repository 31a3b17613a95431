"""The thresholds that a task states or a method learns, in the place of the model's own; imports no torch."""

from collections.abc import Mapping
from functools import partial as bind
from typing import Never

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.errors import DataError, PluginError
from vlbench.core.method import Head, Lesson, Method, Split
from vlbench.engine.job import Job

_LOWEST = {"cosine": -1.0, "probability": 0.0}


def late_splits(job: Job) -> Mapping[str, Job]:
    """The splits whose predictions a job's thresholds are learned from; none where it learns no such."""
    return job.learn_from if job.decides_late else {}


def decided(job: Job, prediction: Prediction, learned: Mapping[str, Prediction]) -> Prediction:
    """A job's prediction under its task's thresholds, or those that its method learns; else as it is.

    `learned` are the predictions of the splits that they are learned from.

    Raises:
        DataError: a stated threshold is outside the unit of the model's scores, or nothing is true of the
            images that they are learned from.
    """
    if job.task.thresholds is not None:
        check_stated(job, prediction.unit)
        return prediction.under(job.task.thresholds)
    if not job.decides_late or job.method.fit is None:
        return prediction
    splits = {
        name: Split(job.learn_from[name].problem, _no_vectors, bind(learned.__getitem__, name))
        for name in learned
    }
    head = job.method.fit(Lesson(splits, _no_vectors, job.seed))
    check_head(job.method, head)
    return prediction if head.thresholds is None else prediction.under(head.thresholds)


def check_head(method: Method, head: object) -> None:
    """Raise PluginError where what a method learned is no head, or has other parts than the method states."""
    if not isinstance(head, Head):
        raise PluginError(
            f"method {method.name!r} answers {type(head).__name__}; its `fit` has to return a Head of "
            "vlbench.core.method"
        )
    parts = {name for name in ("compose", "score", "thresholds") if getattr(head, name) is not None}
    if parts != method.parts:
        raise PluginError(
            f"method {method.name!r} says that it learns {', '.join(sorted(method.parts)) or 'nothing'} and "
            f"learned {', '.join(sorted(parts)) or 'nothing'}; mend its `parts`"
        )


def check_stated(job: Job, unit: ScoreUnit) -> None:
    """Check that the thresholds that a task states are in the unit of a model's scores.

    Raises:
        DataError: one is not; its text is named.
    """
    stated = job.task.thresholds
    if stated is None:
        return
    low = _LOWEST[unit.kind]
    for name, threshold in zip(job.task.problem.names, stated, strict=True):
        if not low <= threshold <= 1:
            raise DataError(
                f"{job.task.name}: threshold {threshold:g} of {name!r}: {job.checkpoint.name} states a "
                f"{unit.kind}; give a number from {low:g} to 1"
            )


def _no_vectors() -> Never:
    raise PluginError("a method of thresholds alone reads predictions, not vectors; state more `parts`")
