"""A model on a task by each of its templates alone, from what is stored of the images."""

from dataclasses import dataclass
from typing import Unpack

from vlbench.api import measured
from vlbench.core.errors import VlbenchError
from vlbench.core.result import Result
from vlbench.request import Options, request_of
from vlbench.resolved import resolve


@dataclass(frozen=True, slots=True)
class PromptSweep:
    """A model on a task by all of its templates together, and by each alone, in the task's order."""

    whole: Result
    single: tuple[tuple[str, Result], ...]


def sweep_prompts(model: str, task: str, **options: Unpack[Options]) -> PromptSweep:
    """Score a model on a task by each template alone; options as of `evaluate`, nothing is written.

    Image features are encoded once and stored; so are the texts of every template.

    Raises:
        VlbenchError: as `evaluate`; the task has fewer than two templates.
    """
    from vlbench.engine.plan import plan_job
    from vlbench.engine.prompt_sweep import single_template_jobs
    from vlbench.engine.seen import refuse_seen

    request = request_of(model, task, options)
    models, tasks = resolve(request)
    if len(models) != 1 or len(tasks) != 1:
        raise VlbenchError(
            f"a sweep takes one model and one task, not {len(models)} and {len(tasks)}; name one of each"
        )
    job = plan_job(models[0].checkpoint, tasks[0].task, request.settings)
    refuse_seen(job, request.cache)
    singles = list(single_template_jobs(job, request.settings))
    jobs = [job, *(single for _, single in singles)]
    whole, *results = (each.result for each in measured(jobs, request))
    return PromptSweep(whole, tuple(zip((template for template, _ in singles), results, strict=True)))
