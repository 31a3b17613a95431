"""What a results folder has of a request's jobs: what is there already, and what none of them may replace."""

from vlbench.engine.measure import data_digests
from vlbench.engine.plan import Job
from vlbench.report import overwriting
from vlbench.report.comparable import Question
from vlbench.report.missing import has_result
from vlbench.request import Request


def is_there(job: Job, request: Request) -> bool:
    """Whether a request leaves a job out, since the results folder has what it would measure."""
    return (
        request.missing
        and request.results is not None
        and has_result(
            request.results,
            model=job.row,
            model_digest=job.identity.whole,
            question=_question(job, request),
        )
    )


def refuse_other_data(job: Job, request: Request) -> None:
    """Refuse a job that would replace a result on other data; partial results are kept apart.

    Raises:
        DataError: the results folder has such a result.
    """
    if request.results is not None and not job.task.partial:
        overwriting.refuse_other_data(
            request.results,
            model=job.row,
            question=_question(job, request),
            statement=job.task.protocol.statement,
        )


def refuse_other_folder(job: Job, request: Request) -> None:
    """Refuse a job on a user's folder where results are on another folder of its name.

    Raises:
        DataError: the results folder has such results.
    """
    if request.results is not None:
        overwriting.refuse_other_folder(request.results, _question(job, request))


def _question(job: Job, request: Request) -> Question:
    task = job.task
    return Question.told(
        data_digests(job, request.cache),
        task=task.name,
        protocol=task.protocol.digest,
        pairs=len(task.problem.relevant.images),
        source=task.problem.images.name,
        revision=task.problem.images.revision,
    )
