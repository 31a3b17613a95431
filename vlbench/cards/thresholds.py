"""A task under thresholds that the user states, and with the splits that a method learns from."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from vlbench.cards.threshold_file import stated_number
from vlbench.core.contracts import Dataset
from vlbench.core.digest import digest_of
from vlbench.core.errors import DataError, Unsupported
from vlbench.core.image import image_digests
from vlbench.core.metric_name import DECIDED, metrics_of
from vlbench.core.task import ProtocolStatement, Task

_DIGITS = 6


def refuse_untagged(task: Task) -> None:
    """Raise Unsupported for a task that gives no tags: thresholds would change nothing."""
    if "scores" not in task.scoring.keeps:
        raise Unsupported(
            f"{task.name}: {task.kind} has no thresholds; leave --thresholds out, or name tagging tasks alone"
        )


def refuse_shared(task: Task, split: str, learned: Dataset, cache: Path | None) -> None:
    """Raise DataError where an image of a split that is learned from is a test image, whatever its name."""
    known = frozenset(image_digests(task.problem.images, cache))
    shared = [i for i, digest in enumerate(image_digests(learned, cache)) if digest in known]
    if shared:
        raise DataError(
            f"{task.name}: {len(shared)} of {len(learned)} {split} images are test images "
            f"({learned[shared[0]].id} ...), and nothing is learned from those; name other images under "
            f"`{split}` of the card, or score them all the same with --allow-seen-images"
        )


def stated(task: Task, asked: str, values: Sequence[float]) -> Task:
    """A task under stated thresholds, one for each text, under a name and a protocol of its own."""
    number = stated_number(asked)
    digest = digest_of(list(values))
    mark = digest[:_DIGITS] if number is None else f"{number:g}"
    statement = {"stated": digest if number is None else number}
    return replace(_under(task, f"thresholds@{mark}", statement), thresholds=tuple(values))


def learning_from(task: Task, split: str, other: Task) -> Task:
    """A task that a method may learn from another split of, which asks the same.

    A split that is partial is remarked on.

    Raises:
        DataError: the two differ in what they ask.
    """
    if other.problem.queries != task.problem.queries:
        raise DataError(
            f"{task.name}: its {split} split asks for {len(other.problem.queries)} other texts; "
            "name the texts in the card"
        )
    partial = (f"of its {split} split: {other.partial}",) if other.partial else ()
    learn_from = {**task.learn_from, split: other.problem}
    return replace(task, learn_from=learn_from, remarks=(*task.remarks, *partial))


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
