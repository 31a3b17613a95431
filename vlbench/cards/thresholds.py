"""A tagging task under thresholds that the user asks for: stated, or chosen on a validation split."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from vlbench.cards.threshold_file import BEST_F1, stated_number
from vlbench.core.contracts import Dataset
from vlbench.core.digest import digest_of
from vlbench.core.errors import DataError, Unsupported
from vlbench.core.image_digest import image_digests
from vlbench.core.metric_name import metric_named, metrics_of
from vlbench.core.task import ProtocolStatement, Task, Tuning

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
    if "scores" not in task.scoring.keeps:
        raise Unsupported(
            f"{task.name}: {task.kind} has no thresholds; leave --thresholds out, or name tagging tasks alone"
        )


def refuse_shared(task: Task, validation: Dataset, cache: Path | None) -> None:
    """Raise DataError where an image of a validation split is one of the test split, whatever its name."""
    known = frozenset(image_digests(task.problem.images, cache))
    shared = [i for i, digest in enumerate(image_digests(validation, cache)) if digest in known]
    if shared:
        raise DataError(
            f"{task.name}: {len(shared)} of {len(validation)} validation images are test images "
            f"({validation[shared[0]].id} ...), and thresholds are not chosen on those; name other images "
            "under `validation` of the card, or score them all the same with --allow-seen-images"
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
        DataError: the two differ in their texts.
    """
    if validation.problem.texts != task.problem.texts:
        raise DataError(
            f"{task.name}: its validation split asks for {len(validation.problem.texts)} other texts; name "
            "the texts in the card"
        )
    images = validation.problem.images
    statement = {
        "chosen": BEST_F1_RULE,
        "settings": validation.protocol.statement["settings"],
        "images": len(images),
        "data": images.revision,
    }
    return replace(_under(task, BEST_F1, statement), thresholds=Tuning(validation, metric_named(CHOICE)))


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
