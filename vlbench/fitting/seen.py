"""What a fitted model has seen: the data sets of its base, and those that it learned from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vlbench.cards.schema import ModelCard, TaskCard


@dataclass(frozen=True, slots=True)
class Seen:
    """What a card says that weights saw: all data sets, or where some are unknown, those that are not."""

    trained_on: tuple[str, ...] | None = None
    tuned_on: tuple[str, ...] = ()


UNKNOWN = Seen()


def seen_after(model: "ModelCard | None", task: "TaskCard | None", name: str) -> Seen:
    """What a model has seen once it is fitted on a task's training images; `name` is the task's.

    Images of a folder may be of any data set: then what it has seen is not known in full.
    """
    before = () if model is None else (*(model.trained_on or ()), *model.tuned_on)
    data = (name,) if task is None or not task.data else task.data
    known = tuple(dict.fromkeys([*before, *data]))
    whole = model is not None and model.trained_on is not None and not model.tuned_on
    return Seen(trained_on=known) if whole and task is not None and task.data else Seen(tuned_on=known)
