"""The data sets that a fitted model has seen: those of its base, and those that it learned from."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vlbench.cards.schema import ModelCard, TaskCard


def seen_after(
    model: "ModelCard | None", task: "TaskCard | None", name: str
) -> Mapping[str, tuple[str, ...]]:
    """What a model has seen after it is fitted on a task's training images; `name` is the task's.

    Returns a model card's `trained_on` (all of its data sets) or `tuned_on` (the known ones). Images of a
    folder may be from any data set, so what the model has seen is then not completely known.
    """
    before = () if model is None else (*(model.trained_on or ()), *model.tuned_on)
    data = (name,) if task is None or not task.data else task.data
    known = tuple(dict.fromkeys([*before, *data]))
    whole = model is not None and model.trained_on is not None and not model.tuned_on
    return {"trained_on" if whole and task is not None and task.data else "tuned_on": known}
