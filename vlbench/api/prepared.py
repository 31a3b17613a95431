"""A request, ready to run: what can be opened and is wanted, before anything is loaded."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain

from vlbench.api.failures import Failures
from vlbench.api.kept_results import question_of, refuse_replacing, result_of_before
from vlbench.api.request import Asked, resolve
from vlbench.api.training_run import validation_tasks
from vlbench.cards.build import NamedModel, NamedTask
from vlbench.cards.schema import TaskCard
from vlbench.core.contracts import Checkpoint
from vlbench.core.errors import VlbenchError
from vlbench.core.result import Result
from vlbench.core.task import Task
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

    `there` are the results of those that are left out because they are there. `cards` and `read` hold the
    card of each task, if it has one, and what was read from its data. Jobs on validation splits, by which the
    best of a training run's checkpoints is chosen, come first; `by_split` holds the task of each split.
    """

    models: Sequence[NamedModel]
    tasks: Sequence[NamedTask]
    jobs: Sequence[Sequence[Job]]
    there: Sequence[Result]
    cards: Mapping[str, TaskCard | None]
    read: Mapping[str, Mapping[str, str]]
    by_split: Mapping[str, str]


def prepared(
    models: str | Sequence[str] | NamedModel, tasks: Asked, options: Options, failures: Failures
) -> Prepared:
    """Open and plan what a request names. What was read, and what cannot run, is told as `failures` tells.

    Raises:
        VlbenchError: a name or an option is wrong, or `failures` raises an error.
    """
    for what, named in (("model", models), ("task", tasks)):
        if isinstance(named, Sequence) and not any(named):
            raise VlbenchError(f"no {what} is named; `vlbench list {what}s` lists all")
    opened, asked = resolve(models, tasks, options, failures, steps=True)
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
    wanted, there = _wanted(planned, options, failures)
    if options.missing:
        count = len(there) + sum(map(len, wanted))
        failures.tell(f"{len(there)} of {count} already there")
    splits = validation_tasks(of_tasks) if any(model.step is not None for model in opened) else {}
    by_split = {split.name: name for name, split in splits.items()}
    for model, rows in zip(opened, wanted, strict=True):
        asked_for = {(job.row, job.task.name) for job in rows}
        on_splits = _on_splits(model.checkpoint, splits.values(), options, listed)
        chosen = [job for job in on_splits if (job.row, by_split[job.task.name]) in asked_for]
        if options.score_only:
            refuse_lacking(chosen, options.cache)
        rows[:0] = chosen
    return Prepared(opened, asked, wanted, there, cards, read, by_split)


def _on_splits(checkpoint: Checkpoint, splits: Iterable[Task], options: Options, listed: Listed) -> list[Job]:
    """The jobs of a model on validation splits, by methods that do not learn from them. Where a split cannot
    be asked, its task cannot be either, of which the user is told.
    """
    apart = [method for method in options.methods if "validation" not in method.learns_from]
    return plan_jobs(checkpoint, [*splits], options.settings, apart, listed, lambda _: suppress(VlbenchError))


def _wanted(
    planned: Sequence[Sequence[Job]], options: Options, failures: Failures
) -> tuple[list[list[Job]], list[Result]]:
    """The jobs of each model that are to run: none that would replace a result on other data, or score images
    that were learned from, or, with `score_only`, lacks images. Also the results that are there.
    """
    cache, results = options.cache, options.results
    # what is asked is the same of all models, whatever their names for it
    asked = {job.task.name: job for job in chain.from_iterable(planned)}
    questions: dict[str, Question] = {}
    for name, job in asked.items():
        with failures.refusing(name):
            questions[name] = question_of(job, cache, results)
    wanted: list[list[Job]] = [[] for _ in planned]
    there: list[Result] = []
    stored: dict[str, frozenset[str]] = {}
    for place, jobs in enumerate(planned):
        for job in jobs:
            question = questions.get(job.task.name)
            if question is None:
                continue
            with failures.refusing(job.pair):
                refuse_replacing(job, question, results)
                if not options.allow_seen_images:
                    refuse_seen(job, cache)
                before = result_of_before(job, question, results) if options.missing else None
                if before is not None:
                    there.append(before)
                    continue
                if options.score_only:
                    refuse_lacking([job], cache, stored)
                wanted[place].append(job)
    failures.done += len(there)
    return wanted, there
