"""Refuses a model, a method and a task that do not fit together, and test images that were learned from."""

from pathlib import Path

from vlbench.core.capabilities import IMAGES_ALONE, VECTORS
from vlbench.core.contracts import Checkpoint, Dataset
from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError, Unsupported
from vlbench.core.image import image_digests, seen_among
from vlbench.core.method import Method
from vlbench.core.metric import ASKED
from vlbench.core.metric_name import metrics_of
from vlbench.core.problem import Problem
from vlbench.core.task import Task
from vlbench.engine.job import Job
from vlbench.engine.settings import RunSettings


def refuse_unfit(
    checkpoint: Checkpoint, task: Task, problem: Problem, method: Method, settings: RunSettings
) -> None:
    """Refuse a model, a method and a task that do not fit together; `problem` is the rewritten one.

    Raises:
        Unsupported: a metric reads what the task does not keep or does not suit its question, the method does
            not suit the task, the model lacks what they need, or the device lacks the precision.
    """
    _refuse_metrics(method, task, problem)
    lacking = sorted(method.learns_from - task.learn_from.keys())
    if lacking and lacking[0] in task.not_found:
        raise Unsupported(
            f"{task.name}: {method.name} learns from its {lacking[0]} split; {task.not_found[lacking[0]]}"
        )
    if lacking:
        raise Unsupported(
            f"{task.name}: {method.name} learns from a {lacking[0]} split, and no card of it names one; what "
            f"is tested is never learned from: add a `{lacking[0]}` section to its card, or to data in "
            f"memory vlbench.data(..., {lacking[0]}=...)"
        )
    if method.suits is not None:
        method.suits({split: task.learn_from[split] for split in sorted(method.learns_from)})
    if "thresholds" in method.parts and task.thresholds is not None:
        raise Unsupported(
            f"{task.name}: its thresholds are stated, and {method.name} learns them; leave one out"
        )
    if "score" in method.parts and task.thresholds is not None:
        raise Unsupported(
            f"{task.name}: its thresholds are stated in the unit of a model's own scores, and {method.name} "
            "makes others; leave one out"
        )
    both = any(query.text is not None and query.image is not None for query in problem.queries)
    if both and not method.parts & {"compose", "score"}:
        raise Unsupported(
            f"{task.name} asks by an image and words together; choose a method that composes them (--method)"
        )
    needs = task.needs | task.scoring.needs | method.needs
    if not problem.by_words or method.parts & {"compose", "score"}:
        needs |= {VECTORS}
    unmet = sorted(needs - checkpoint.capabilities)
    if unmet:
        asked = f"{task.name} by {method.name}" if method.mark() else task.name
        raise Unsupported(
            f"{checkpoint.name} does not offer {', '.join(unmet)}, which {asked} needs; choose another model"
        )
    reads_words = "queries" in method.reads and bool(problem.texts)
    if IMAGES_ALONE in checkpoint.capabilities and (
        reads_words or not isinstance(problem.candidates, Dataset)
    ):
        raise Unsupported(
            f"{checkpoint.name} reads images alone, and {task.name} asks by words; choose a method that "
            "learns from images (--method), or another model"
        )
    if settings.on_cpu and settings.precision == "fp16":
        raise Unsupported("fp16 does not run on a CPU; use --precision fp32 or bf16")


def _refuse_metrics(method: Method, task: Task, problem: Problem) -> None:
    added = metrics_of(method.metrics).values()
    for metric in added:
        if not metric.reads <= task.scoring.keeps | {ASKED}:
            raise Unsupported(
                f"{task.name}: {method.name} measures {metric.name}, which reads "
                f"{', '.join(sorted(metric.reads - {ASKED}))}, and {task.kind} keeps none; "
                "leave the method or the task out"
            )
    for metric in task.metrics.values():
        metric.check_reads(task.scoring.keeps, of=task.name)
        if metric.suits is not None:
            metric.suits(task.problem, metric.name)
    for metric in (*task.metrics.values(), *added):
        if problem.asked is not None and not task.scoring.asked_alone and ASKED not in metric.reads:
            raise Unsupported(
                f"{metric.name} counts all pairs, and {task.name} does not ask about all of them; "
                "leave out the metric, or the method that measures it"
            )
    if task.scoring.suits is not None:
        task.scoring.suits(problem, task.scoring.name)


def seen_by(job: Job, cache: Path) -> tuple[int, dict[str, str]]:
    """Count the test images that a job's model or method learned from, as far as the model's files state.

    Also returns digests of all images that it learned from. No image is read where it learned from none.
    """
    learned = job.identity.learned_from
    digests = {"learned_from": digest_of_strings(sorted(learned))} if learned else {}
    for split, each in job.learn_from.items():
        of_split = image_digests(each.problem.images, cache)
        digests[f"{split}_images"] = digest_of_strings(sorted(of_split))
        learned = (*learned, *of_split)
    return (seen_among(job.task.problem.images, learned, cache) if learned else 0), digests


def refuse_seen(job: Job, cache: Path) -> None:
    """Refuse to score images that the model or its method learned from.

    Raises:
        DataError: there are such images; the message counts them.
    """
    count, _ = seen_by(job, cache)
    if count:
        raise DataError(
            f"{job.row} on {job.task.name}: {count} of {len(job.task.problem.images)} test images are among "
            "those that it learned from; name other images, or score them all the same with "
            "`vlbench run --allow-seen-images`, which the result then says"
        )
