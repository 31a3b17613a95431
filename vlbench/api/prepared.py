"""A request, ready to run: what can be opened and is wanted, before anything is loaded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from vlbench.api.failures import Failures
from vlbench.api.kept_results import is_there, question_of, refuse_replacing
from vlbench.api.request import resolve
from vlbench.cards.build import NamedModel
from vlbench.cards.schema import TaskCard
from vlbench.core.contracts import Checkpoint
from vlbench.core.task_reading import reading_line, what_was_read
from vlbench.engine.job import Job
from vlbench.engine.plan import Listed, plan_jobs
from vlbench.engine.refusal import refuse_seen
from vlbench.engine.shares import refuse_lacking
from vlbench.options import Options
from vlbench.report.comparable import Question


@dataclass(frozen=True, slots=True)
class Prepared:
    """The models that can be opened, and for each the jobs that are to run.

    `cards` and `read` hold the card of each task, if it has one, and what was read from its data.
    """

    models: Sequence[NamedModel]
    jobs: Sequence[Sequence[Job]]
    cards: Mapping[str, TaskCard | None]
    read: Mapping[str, Mapping[str, str]]


def prepared(
    models: str | Sequence[str] | Checkpoint,
    tasks: str | Sequence[str],
    options: Options,
    failures: Failures,
) -> Prepared:
    """Open and plan what a request names. What was read, and what cannot run, is told as `failures` tells.

    Raises:
        VlbenchError: a name or an option is wrong, or `failures` raises an error.
    """
    opened, asked = resolve(models, tasks, options, failures)
    settings, listed = options.settings, Listed()
    read = {named.task.name: what_was_read(named.task) for named in asked}
    for line in (*settings.said, *(reading_line(name, said) for name, said in read.items())):
        failures.tell(line)
    of_tasks = [named.task for named in asked]
    planned = [
        plan_jobs(model.checkpoint, of_tasks, settings, options.methods, listed, failures.refusing)
        for model in opened
    ]
    cards = {named.task.name: named.card for named in asked}
    return Prepared(opened, _wanted(planned, options, failures), cards, read)


def _wanted(planned: Sequence[Sequence[Job]], options: Options, failures: Failures) -> list[list[Job]]:
    """The jobs of each model that are to run: none that would replace a result on other data, or score images
    that were learned from, or that is there, or, with `score_only`, lacks images.
    """
    cache, results = options.cache, options.results
    # what is asked is the same of all models, whatever their names for it
    asked = {job.task.name: job for job in chain.from_iterable(planned)}
    questions: dict[str, Question] = {}
    for name, job in asked.items():
        with failures.refusing(name):
            questions[name] = question_of(job, cache, results)
    found: list[list[Job]] = []
    for jobs in planned:
        wanted: list[Job] = []
        for job in jobs:
            question = questions.get(job.task.name)
            with failures.refusing(job.pair):
                if question is None:
                    continue
                refuse_replacing(job, question, results)
                if not options.allow_seen_images:
                    refuse_seen(job, cache)
                if options.missing and is_there(job, question, results):
                    failures.done += 1
                    continue
                if options.score_only:
                    refuse_lacking([job], cache)
                wanted.append(job)
        found.append(wanted)
    return found
