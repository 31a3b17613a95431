"""Is it zero-shot? What a model's card says it was trained on, held against a task's data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vlbench.cards.catalogue import Catalogue
from vlbench.cards.entry import Entry
from vlbench.cards.names import find
from vlbench.cards.threshold_file import stated_number
from vlbench.core.result import ZeroShot

if TYPE_CHECKING:
    from vlbench.cards.schema import ModelCard, TaskCard

Facts = Mapping[str, str | int | float]
"""What a model's card states and a leaderboard shows."""

_FACTS = ("family", "parameters", "gflops", "image_size", "licence")


def zero_shot(model: "ModelCard | None", task: "TaskCard | None", thresholds: str | None = None) -> ZeroShot:
    """Whether a model saw none of the data sets that a task tests: unknown where a card does not say.

    A file of `thresholds` does not say which images they were chosen on.
    """
    if model is None or task is None or not task.data:
        return "unknown"
    if {*(model.trained_on or ()), *model.tuned_on} & set(task.data):
        return "no"
    told = thresholds is None or stated_number(thresholds) is not None
    return "unknown" if model.trained_on is None or model.tuned_on or not told else "yes"


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


def facts_of(model: "ModelCard | None") -> Facts:
    """What a leaderboard shows of a model's card; what the card leaves out is left out."""
    if model is None:
        return {}
    stated = {field: getattr(model, field) for field in _FACTS}
    return {field: value for field, value in stated.items() if value not in (None, "")}


def model_card(name: str, catalogue: Catalogue) -> "ModelCard | None":
    """The card of a model; None for a reference that has none.

    Raises:
        UnknownName: nobody has the name.
        CardError: the card is wrong.
    """
    from vlbench.cards.card_file import parse_model_card

    found = find(catalogue, name, "model")
    return parse_model_card(found.path) if isinstance(found, Entry) else None


def task_card(name: str, catalogue: Catalogue) -> "TaskCard | None":
    """The card of a task, or of the task whose half is asked for; None for own data.

    Raises:
        UnknownName: nobody has the name.
        CardError: the card is wrong.
    """
    from vlbench.cards.card_file import parse_task_card

    found = find(catalogue, name, "task")
    return parse_task_card(found.path) if isinstance(found, Entry) else None
