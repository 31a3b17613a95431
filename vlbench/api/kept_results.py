"""The results folder of a request: which results exist, which must not be replaced, and writing them."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.core.errors import VlbenchError
from vlbench.core.items import MOST_SCORES, Items
from vlbench.core.result import Result
from vlbench.engine.items import keep_predictions, stored_items, with_listed
from vlbench.engine.job import Job
from vlbench.engine.measure import Measured, data_digests
from vlbench.engine.settings import RunSettings
from vlbench.engine.stored import stored_prediction
from vlbench.report.comparable import Question
from vlbench.report.paired.items import has_whole_items, write_items
from vlbench.report.predictions import prediction_frame, write_predictions
from vlbench.report.results import kept_result, refuse_other_data, refuse_other_folder, write_result

if TYPE_CHECKING:
    import pandas as pd


def result_of_before(job: Job, question: Question, results: Path | None) -> Result | None:
    """The result of a job that a results folder has."""
    if results is None:
        return None
    return kept_result(
        results,
        model=job.row,
        model_digest=job.identity.whole,
        question=question,
        method_digest=job.method.digest if job.method.mark() else "",
    )


def refuse_replacing(job: Job, question: Question, results: Path | None) -> None:
    """Refuse a job whose result would replace one on other data. Partial results are kept apart.

    Raises:
        DataError: the results folder has such a result.
    """
    if results is not None and not job.task.partial:
        refuse_other_data(results, model=job.row, question=question, statement=job.task.protocol.statement)


def question_of(job: Job, cache: Path, results: Path | None) -> Question:
    """What decides whether a job's result is comparable with another.

    Raises:
        DataError: the results folder has results of the task on another folder.
    """
    task = job.task
    question = Question.told(
        data_digests(job, cache),
        task=task.name,
        protocol=task.protocol.digest,
        pairs=len(task.problem.relevant.candidates),
        source=task.problem.images.name,
        revision=task.problem.images.revision,
    )
    if results is not None:
        refuse_other_folder(results, question)
    return question


def predictions_of(job: Job, found: Measured, settings: RunSettings, cache: Path) -> "pd.DataFrame":
    """The answers of a measured job item by item; it is scored again where they are lost.

    Raises:
        VlbenchError: the cache could not keep them.
    """
    prediction = found.prediction
    if prediction is None:
        keep_predictions(job, settings, cache)
        kept = stored_prediction(job, cache)
        if kept is None:
            raise VlbenchError(
                f"{job.row} on {job.task.name}: its predictions are not kept; free space for {cache}"
            )
        prediction = kept[0]
    listed = with_listed(job, prediction, settings, cache)
    return prediction_frame(job.task.problem, listed, job.task.scoring.axes)


def items_of(job: Job, found: Measured, cache: Path, *, scores: bool) -> Items:
    """What comparisons read of a measured job, without a large score matrix unless `scores` are asked for.

    Raises:
        VlbenchError: its prediction is no longer in the cache.
    """
    most_scores = sys.maxsize if scores else MOST_SCORES
    if found.prediction is None:
        return stored_items(job, cache, most_scores=most_scores)
    influence = next((each.influence for each in found.values if each.influence is not None), None)
    return Items.of(job.task.problem, found.prediction, influence=influence, most_scores=most_scores)


def write_all(
    result: Result,
    job: Job,
    found: Measured,
    folder: Path,
    settings: RunSettings,
    cache: Path,
    *,
    items: Callable[[], Items],
    predictions: "pd.DataFrame | None",
) -> None:
    """Write a result, its items and, where there are any, its predictions into a folder.

    `items` are made where the folder has none of this result.

    Raises:
        VlbenchError: the cache could not keep what the items are made of.
    """
    write_result(result, folder)
    if not has_whole_items(folder, result, scores=predictions is not None):
        if found.prediction is None:
            keep_predictions(job, settings, cache)
        write_items(result, items(), folder)
    if predictions is not None:
        write_predictions(result, predictions, folder)
