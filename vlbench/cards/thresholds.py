"""A tagging task under thresholds that the user asks for: stated, or chosen on a validation split."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from vlbench.cards.threshold_file import BEST_F1, stated_number
from vlbench.core.contracts import ProtocolStatement, Source, Task, Tuning
from vlbench.core.digest import digest_of, digest_of_strings
from vlbench.core.errors import DataError, Unsupported
from vlbench.core.metric_name import metrics_of
from vlbench.core.registry import METRICS

DECIDED = (
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "micro_precision",
    "micro_recall",
    "micro_f1",
)
"""Metrics that read a run's thresholds; they stand beside those of the card."""
CHOICE = "best_f1_threshold"
BEST_F1_RULE = "the best F1 of each tag on the validation images, the best micro F1 where it has no positive"
_DIGITS = 6


def refuse_untagged(task: Task) -> None:
    """Raise Unsupported for a task that gives no tags: thresholds would change nothing."""
    if task.scoring != "matrix":
        raise Unsupported(
            f"{task.name}: {task.kind} has no thresholds; leave --thresholds out, or name tagging tasks alone"
        )


def stated(task: Task, asked: str, values: Sequence[float]) -> Task:
    """A task under stated thresholds, one for each text, under a name and a protocol of its own."""
    number = stated_number(asked)
    digest = digest_of(list(values))
    mark = digest[:_DIGITS] if number is None else f"{number:g}"
    statement = {"stated": digest if number is None else number}
    return replace(_under(task, f"thresholds@{mark}", statement), thresholds=tuple(values))


def tuned(task: Task, validation: Task) -> Task:
    """A task under thresholds of the best F1 on the same question of a validation split.

    Raises:
        DataError: the two differ in their texts, or share an image.
    """
    if validation.problem.texts != task.problem.texts:
        raise DataError(
            f"{task.name}: its validation split asks for {len(validation.problem.texts)} other texts; name "
            "the texts in the card"
        )
    images = validation.problem.images
    _refuse_shared(task, images)
    statement = {
        "chosen": BEST_F1_RULE,
        "settings": validation.protocol.statement["settings"],
        "images": len(images),
        "data": images.revision,
    }
    return replace(_under(task, BEST_F1, statement), thresholds=Tuning(validation, METRICS.get(CHOICE)))


def _under(task: Task, mark: str, thresholds: Mapping[str, object]) -> Task:
    protocol = task.protocol
    further = metrics_of(name for name in DECIDED if name not in task.metrics)
    return replace(
        task,
        name=f"{task.name}+{mark}",
        protocol=ProtocolStatement(
            protocol.name,
            digest_of({"protocol": protocol.digest, "thresholds": thresholds}),
            {**protocol.statement, "thresholds": thresholds},
        ),
        metrics={**task.metrics, **further},
    )


def _refuse_shared(task: Task, validation: Source) -> None:
    """Raise DataError where an image of a validation split is one of the test split."""
    test = task.problem.images
    seen = {test.fingerprint(i) for i in range(len(test))}
    shared = [i for i in range(len(validation)) if validation.fingerprint(i) in seen]
    same = test.revision == validation.revision and _ids(test) == _ids(validation)
    if not shared and not same:
        return
    count = len(validation) if same else len(shared)
    first = validation[shared[0] if shared else 0].id
    raise DataError(
        f"{task.name}: {count} of {len(validation)} validation images are test images ({first} ...), and "
        "thresholds are never chosen on those; name other images under `validation` of the card"
    )


def _ids(images: Source) -> str:
    return digest_of_strings(images[i].id for i in range(len(images)))
