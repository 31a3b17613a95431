"""What a model, a method and a task cannot do together: refused before anything is loaded or opened."""

from vlbench.core.capabilities import IMAGES_ALONE, VECTORS
from vlbench.core.contracts import Checkpoint, Dataset
from vlbench.core.errors import Unsupported
from vlbench.core.method import Method
from vlbench.core.metric import ASKED
from vlbench.core.metric_name import metrics_of
from vlbench.core.problem import Problem
from vlbench.core.task import Task
from vlbench.engine.settings import RunSettings


def refuse_unfit(
    checkpoint: Checkpoint, task: Task, problem: Problem, method: Method, settings: RunSettings
) -> None:
    """Refuse what cannot work; `problem` is what the method asks of the task's.

    Raises:
        Unsupported: a metric reads what the task does not keep or does not suit its question, the method does
            not suit the task, the model lacks what they need, or the device lacks the precision.
    """
    _refuse_metrics(method, task, problem)
    _refuse_method(method, task, problem)
    needs = task.needs | task.scoring.needs | method.needs
    if not problem.by_words or method.parts & {"compose", "score"}:
        needs |= {VECTORS}
    unmet = sorted(needs - checkpoint.capabilities)
    if unmet:
        asked = f"{task.name} by {method.name}" if method.row_mark else task.name
        raise Unsupported(
            f"{checkpoint.name} does not offer {', '.join(unmet)}, which {asked} needs; choose another model"
        )
    if IMAGES_ALONE in checkpoint.capabilities and _reads_words(problem, method):
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


def _refuse_method(method: Method, task: Task, problem: Problem) -> None:
    lacking = sorted(method.learns_from - task.learn_from.keys())
    if lacking:
        raise Unsupported(
            f"{task.name}: {method.name} learns from a {lacking[0]} split, and no card of it names one; what "
            f"is tested is never learned from: add a `{lacking[0]}` section to its card"
        )
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


def _reads_words(problem: Problem, method: Method) -> bool:
    of_queries = "queries" in method.reads and bool(problem.texts)
    return of_queries or not isinstance(problem.candidates, Dataset)
