"""Names resolved: the models and tasks of a request, each with what its card says."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vlbench.core.contracts import Checkpoint
from vlbench.core.errors import DataError, VlbenchError
from vlbench.core.task import Task
from vlbench.request import Request, data_request

if TYPE_CHECKING:
    from vlbench.cards.schema import ModelCard, TaskCard


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A model that was asked for; `card` is None where there is none, or where the weights are the user's."""

    checkpoint: Checkpoint
    card: "ModelCard | None"


@dataclass(frozen=True, slots=True)
class NamedTask:
    """A task that was asked for; `card` is None for own data."""

    task: Task
    card: "TaskCard | None"


def resolve(request: Request) -> tuple[list[NamedModel], list[NamedTask]]:
    """The models and tasks of a request: found and counted, nothing loaded.

    Raises:
        VlbenchError: a name is unknown, a card is wrong, or data are missing or differ from the card.
    """
    from vlbench.cards.build import checkpoint, task
    from vlbench.cards.catalogue import read_catalogue
    from vlbench.cards.names import select
    from vlbench.cards.training import model_card, task_card

    catalogue = read_catalogue(request.include)
    models = select(catalogue, request.models, "model")
    tasks = select(catalogue, request.tasks, "task")
    if request.weights is not None and len(models) != 1:
        raise VlbenchError(f"--weights belongs to one model, not to {len(models)}; name one")
    data = data_request(request)
    named_tasks = _each_once(
        NamedTask(task(name, catalogue, request=data), task_card(name, catalogue)) for name in tasks
    )
    named_models = [
        NamedModel(
            checkpoint(
                name,
                catalogue,
                weights=request.weights,
                preprocess=request.settings.preprocess,
                cache=request.cache,
            ),
            None if request.weights is not None else model_card(name, catalogue),
        )
        for name in models
    ]
    return named_models, named_tasks


def _each_once(tasks: Iterable[NamedTask]) -> list[NamedTask]:
    """Tasks by their names, one that is asked for twice once.

    Raises:
        DataError: two of other data share a name, so that the results of one would replace the other's.
    """
    found: dict[str, NamedTask] = {}
    for named in tasks:
        first = found.setdefault(named.task.name, named)
        here, there = (each.task.problem.images.name for each in (named, first))
        if here != there:
            raise DataError(
                f"{there} and {here} are both {named.task.name}: their folders and their files have equal "
                "names and sizes; rename one of the folders"
            )
    return list(found.values())
