"""What a results folder has of a request's jobs: what is there already, and what none of them may replace."""

from pathlib import Path

from vlbench.engine.measure import data_digests
from vlbench.engine.plan import Job
from vlbench.report import overwriting
from vlbench.report.comparable import Question
from vlbench.report.missing import has_result
from vlbench.request import Request


def is_there(job: Job, question: Question, request: Request) -> bool:
    """Whether a request leaves a job out, since the results folder has what it would measure."""
    return (
        request.missing
        and request.results is not None
        and has_result(
            request.results,
            model=job.row,
            model_digest=job.identity.whole,
            question=question,
            method_digest=job.method.digest if job.method.row_mark else "",
        )
    )


def refuse_other_data(job: Job, question: Question, request: Request) -> None:
    """Refuse a job that would replace a result on other data; partial results are kept apart.

    Raises:
        DataError: the results folder has such a result.
    """
    if request.results is not None and not job.task.partial:
        overwriting.refuse_other_data(
            request.results, model=job.row, question=question, statement=job.task.protocol.statement
        )


def refuse_other_folder(question: Question, request: Request) -> None:
    """Refuse a question about a user's folder where results are on another folder of its name.

    Raises:
        DataError: the results folder has such results.
    """
    if request.results is not None:
        overwriting.refuse_other_folder(request.results, question)


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
