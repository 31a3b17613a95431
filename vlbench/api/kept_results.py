"""A results folder and a request's jobs: what is there, what none may replace, and what is written."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from vlbench.core.errors import VlbenchError
from vlbench.core.items import MOST_SCORES, Items
from vlbench.core.result import Result
from vlbench.engine.items import keep_predictions, stored_items
from vlbench.engine.job import Job
from vlbench.engine.measure import Measured, data_digests
from vlbench.engine.stored import stored_prediction
from vlbench.options import Request
from vlbench.report.comparable import Question
from vlbench.report.paired.items import has_whole_items, write_items
from vlbench.report.results import has_result, refuse_other_data, refuse_other_folder, write_result


def is_there(job: Job, question: Question, request: Request) -> bool:
    """Whether the results folder of a request has what a job would measure."""
    return request.results is not None and has_result(
        request.results,
        model=job.row,
        model_digest=job.identity.whole,
        question=question,
        method_digest=job.method.digest if job.method.mark() else "",
    )


def refuse_replacing(jobs: Sequence[Job], questions: Mapping[str, Question], request: Request) -> None:
    """Refuse jobs whose results would replace some on other data, or stand beside some on another folder.

    Partial results are kept apart. `questions` are what the jobs ask, by their tasks' names.

    Raises:
        DataError: the results folder has such results.
    """
    if request.results is None:
        return
    for question in questions.values():
        refuse_other_folder(request.results, question)
    for job in jobs:
        if not job.task.partial:
            refuse_other_data(
                request.results,
                model=job.row,
                question=questions[job.task.name],
                statement=job.task.protocol.statement,
            )


def question_of(job: Job, cache: Path) -> Question:
    """What a job's result will be compared by."""
    task = job.task
    return Question.told(
        data_digests(job, cache),
        task=task.name,
        protocol=task.protocol.digest,
        pairs=len(task.problem.relevant.candidates),
        source=task.problem.images.name,
        revision=task.problem.images.revision,
    )


def write_all(result: Result, job: Job, found: Measured, request: Request, folder: Path) -> None:
    """Write a result into a folder, its items, and its predictions if they are asked for.

    Raises:
        VlbenchError: predictions are asked for, and the cache has no room for them.
    """
    write_result(result, folder)
    if not has_whole_items(folder, result, scores=request.save_predictions):
        most = sys.maxsize if request.save_predictions else MOST_SCORES
        if found.prediction is None:
            keep_predictions(job, request.settings, request.cache)
            items = stored_items(job, request.cache, most_scores=most)
        else:
            influence = next((each.influence for each in found.values if each.influence is not None), None)
            items = Items.of(job.task.problem, found.prediction, influence=influence, most_scores=most)
        write_items(result, items, folder)
    if not request.save_predictions:
        return
    from vlbench.report.predictions import write_predictions

    prediction = found.prediction
    if prediction is None:
        keep_predictions(job, request.settings, request.cache)
        kept = stored_prediction(job, request.cache)
        prediction = None if kept is None else kept[0]
    if prediction is None:
        raise VlbenchError(
            f"{result.model} on {result.task}: its predictions are not kept; free space for {request.cache}"
        )
    write_predictions(result, job.task.problem, prediction, folder, job.task.scoring.axes)
