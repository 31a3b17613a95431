"""Scores a model on a task with each of its templates alone, from stored image features."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Unpack

from vlbench.api.measured import measured
from vlbench.api.request import refuse_method, resolve
from vlbench.api.surroundings import undisturbed
from vlbench.core.capabilities import NAMES_ALONE
from vlbench.core.errors import Unsupported, VlbenchError
from vlbench.core.result import Result
from vlbench.core.task_reading import reading_line, what_was_read
from vlbench.engine.measure import result_of
from vlbench.engine.plan import plan_job
from vlbench.engine.prompt_sweep import single_template_jobs
from vlbench.engine.refusal import refuse_seen
from vlbench.engine.remarks import change_lines
from vlbench.options import Keywords, Options


@dataclass(frozen=True, slots=True)
class PromptSweep:
    """Results of a model on a task: with all templates together, and with each alone, in the task's order."""

    whole: Result
    single: tuple[tuple[str, Result], ...]


@undisturbed()
def sweep_prompts(
    model: str, task: str, *, tell: Callable[[str], None] = lambda _: None, **options: Unpack[Keywords]
) -> PromptSweep:
    """Score a model on a task with each template alone. The options are those of `evaluate`.

    No result is written. Image features are encoded once and stored, and so are the texts of every template.
    `tell` gets lines about what was read from the data and the model's files.

    Raises:
        VlbenchError: as `evaluate`; or the task has fewer than two templates, or the model reads none.
    """
    read = Options.of(options)
    refuse_method(read, "sweep-prompts")
    models, tasks = resolve(model, task, read)
    if len(models) != 1 or len(tasks) != 1:
        raise VlbenchError(
            f"a sweep takes one model and one task, not {len(models)} and {len(tasks)}; name one of each"
        )
    if NAMES_ALONE in models[0].checkpoint.capabilities:
        raise Unsupported(f"{model}: reads names alone, whatever the templates; sweep over those of its base")
    asked = tasks[0].task
    tell(reading_line(asked.name, what_was_read(asked)))
    settings = read.settings
    for line in settings.said:
        tell(line)
    job = plan_job(models[0].checkpoint, asked, settings)
    refuse_seen(job, read.cache)
    singles = list(single_template_jobs(job, settings))
    jobs = [job, *(single for _, single in singles)]
    run = list(measured(jobs, settings, read.cache))
    whole, *results = (result_of(each, found, read.cache) for each, found in run)
    for line in change_lines([run[0][0]], whole.changes, read.cache):
        tell(line)
    return PromptSweep(whole, tuple(zip((template for template, _ in singles), results, strict=True)))
