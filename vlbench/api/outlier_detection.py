"""Out-of-distribution detection between two tasks, from stored scores of both."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Unpack

from vlbench.api.measured import measured
from vlbench.api.request import one_model, one_task, refuse_method
from vlbench.api.surroundings import undisturbed
from vlbench.core.errors import VlbenchError
from vlbench.core.task_reading import reading_line, what_was_read
from vlbench.engine.items import keep_predictions
from vlbench.engine.outliers import outlier_task
from vlbench.engine.plan import plan_job
from vlbench.engine.refusal import refuse_seen
from vlbench.engine.remarks import change_lines
from vlbench.engine.stored import stored_prediction
from vlbench.metrics.outliers import auroc, confidence
from vlbench.options import Keywords, Options


@dataclass(frozen=True, slots=True)
class OutOfDistribution:
    """How well a model's confidence separates the images of two tasks: the AUROC, a fraction.

    `inside` and `outside` are the tasks; `n_inside` and `n_outside` count their images. `partial` tells why
    the images of one are not complete.
    """

    model: str
    inside: str
    outside: str
    n_inside: int
    n_outside: int
    auroc: float | None
    ci_low: float | None
    ci_high: float | None
    ci_method: str
    partial: str = ""

    def __str__(self) -> str:
        """One line: `small: AUROC 0.912 [0.900, 0.924] of a (10 images) against b (12)`."""
        interval = "" if self.ci_low is None else f" [{self.ci_low:.4f}, {self.ci_high:.4f}]"
        value = "-" if self.auroc is None else f"{self.auroc:.4f}"
        partial = f"; partial: {self.partial}" if self.partial else ""
        sets = f"{self.inside} ({self.n_inside} images) against {self.outside} ({self.n_outside})"
        return f"{self.model}: AUROC {value}{interval} of {sets}{partial}"


@undisturbed()
def ood(
    model: str,
    inside: str,
    outside: str,
    *,
    tell: Callable[[str], None] = lambda _: None,
    **options: Unpack[Keywords],
) -> OutOfDistribution:
    """AUROC between the images of two tasks, by a model's highest softmax probability over the classes of
    `inside`.

    The options are those of `evaluate`; no result is written. Stored features and scores are used. `tell`
    gets lines about what was read from the data and the model's files.

    Raises:
        VlbenchError: as `evaluate`; or `inside` is no classification, or the model's scores have no softmax.
    """
    read = Options.of(options)
    refuse_method(read, "ood")
    named = one_model(model, read, "ood")
    of_tasks = replace(read, weights=None)
    tasks = [one_task(name, of_tasks) for name in (inside, outside)]
    for task in tasks:
        tell(reading_line(task.name, what_was_read(task)))
    asked = [tasks[0], outlier_task(*tasks)]
    settings, cache = read.settings, read.cache
    for line in settings.said:
        tell(line)
    jobs = [plan_job(named.checkpoint, task, settings) for task in asked]
    for job in jobs:
        refuse_seen(job, cache)
    run = list(measured(jobs, settings, cache))
    jobs = [job for job, _ in run]
    for line in change_lines(jobs, run[0][1].facts.changes, cache):
        tell(line)
    for job in jobs:
        keep_predictions(job, settings, cache)
    kept = [stored_prediction(job, cache) for job in jobs]
    values = [confidence(each[0]) for each in kept if each is not None]
    if len(values) != len(jobs):
        raise VlbenchError(f"the stored predictions are gone; empty {cache} and rerun")
    found = auroc(*values)
    return OutOfDistribution(
        model=jobs[0].row,
        inside=tasks[0].name,
        outside=tasks[1].name,
        n_inside=values[0].size,
        n_outside=values[1].size,
        auroc=found.value,
        ci_low=found.ci_low,
        ci_high=found.ci_high,
        ci_method=found.ci_method,
        partial=", ".join(dict.fromkeys(task.partial for task in tasks if task.partial)),
    )
