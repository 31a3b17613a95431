"""Prompt sweep: a task with each of its templates alone. Runs share the image features."""

from collections.abc import Iterator
from dataclasses import replace

from vlbench.core.digest import digest_of
from vlbench.core.errors import Unsupported
from vlbench.core.problem import by_words
from vlbench.core.task import ProtocolStatement, Task
from vlbench.engine.job import Job
from vlbench.engine.plan import plan_job
from vlbench.engine.settings import RunSettings


def templates_of(task: Task) -> tuple[str, ...]:
    """The templates that a task's texts are filled into.

    Raises:
        Unsupported: the task has fewer than two, or its texts are descriptions or captions.
    """
    stated = task.protocol.statement.get("templates")
    templates = tuple(map(str, stated)) if isinstance(stated, list | tuple) else ()
    prompts = [len(text.prompts) for text in task.problem.texts]
    if len(templates) < 2 or any(count == 0 or count % len(templates) for count in prompts):
        raise Unsupported(
            f"{task.name}: has {len(templates)} templates to set side by side; choose a task with several, "
            "or pass --templates FILE"
        )
    return templates


def single_template_jobs(job: Job, settings: RunSettings) -> Iterator[tuple[str, Job]]:
    """Each template of a job's task, with a job that uses only this template, under its own protocol.

    Raises:
        Unsupported: the task has fewer than two templates.
    """
    task = job.task
    problem, known, templates = task.problem, job.keys, templates_of(task)
    # the images are not listed again
    listed = {id(problem.candidates): known.images, id(problem.references): known.reference_images}
    for place, template in enumerate(templates):
        # prompts lie word by word, each word in all templates
        texts = tuple(replace(text, prompts=text.prompts[place :: len(templates)]) for text in problem.texts)
        protocol = ProtocolStatement(
            name=f"{task.protocol.name}[{place}]",
            digest=digest_of([task.protocol.digest, template]),
            statement={**task.protocol.statement, "templates": [template]},
        )
        alone = replace(task, problem=replace(problem, queries=by_words(texts)), protocol=protocol)
        yield template, plan_job(job.checkpoint, alone, settings, job.identity, job.method, listed)
