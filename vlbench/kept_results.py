"""What a results folder has of a request's jobs: what is there already, and what none of them may replace."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from vlbench.engine.measure import data_digests
from vlbench.engine.plan import Job
from vlbench.report.comparable import Question
from vlbench.report.missing import has_result
from vlbench.report.overwriting import refuse_other_data, refuse_other_folder
from vlbench.request import Request


def is_there(job: Job, question: Question, request: Request) -> bool:
    """Whether the results folder of a request has what a job would measure."""
    return request.results is not None and has_result(
        request.results,
        model=job.row,
        model_digest=job.identity.whole,
        question=question,
        method_digest=job.method.digest if job.method.row_mark else "",
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
