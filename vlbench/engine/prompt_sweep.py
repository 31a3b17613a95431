"""One task asked by each of its templates alone: image features are shared, only texts are encoded anew."""

from collections.abc import Iterator
from dataclasses import replace

from vlbench.core.contracts import Text
from vlbench.core.digest import digest_of
from vlbench.core.errors import Unsupported
from vlbench.core.problem import by_words
from vlbench.core.task import ProtocolStatement, Task
from vlbench.engine.job import Job
from vlbench.engine.plan import with_texts
from vlbench.engine.settings import RunSettings


def templates_of(task: Task) -> tuple[str, ...]:
    """The templates that a task's texts are filled into.

    Raises:
        Unsupported: it has fewer than two, or its texts are descriptions or captions.
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
    """Each template of a job's task with the job that asks by it alone, under a protocol of its own.

    Raises:
        Unsupported: the task has fewer than two templates.
    """
    task = job.task
    templates = templates_of(task)
    for place, template in enumerate(templates):
        texts = tuple(_asked_by_one(text, place, len(templates)) for text in task.problem.texts)
        protocol = ProtocolStatement(
            name=f"{task.protocol.name}[{place}]",
            digest=digest_of([task.protocol.digest, template]),
            statement={**task.protocol.statement, "templates": [template]},
        )
        alone = replace(task, problem=replace(task.problem, queries=by_words(texts)), protocol=protocol)
        yield template, with_texts(job, alone, settings)


def _asked_by_one(text: Text, place: int, count: int) -> Text:
    """A text by its name and synonyms in one of `count` templates; prompts lie word by word."""
    return replace(text, prompts=text.prompts[place::count])
