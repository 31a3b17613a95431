"""The models and tasks that a request names: lists them, finds and counts them, or loads them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from vlbench.api.training_run import files_by_step, is_pattern
from vlbench.cards.build import NamedModel, NamedTask, open_held, open_model, open_task
from vlbench.cards.catalogue import Catalogue, read_catalogue, select
from vlbench.cards.data_request import DataRequest
from vlbench.cards.own_data import own_templates
from vlbench.cards.texts import read_classnames
from vlbench.core.contracts import Placement
from vlbench.core.errors import DataError, Unsupported, VlbenchError
from vlbench.core.files import shown
from vlbench.core.method import ZERO_SHOT
from vlbench.core.protocol import BARE
from vlbench.core.task import Task
from vlbench.datasets.memory.held import HeldData
from vlbench.options import Keywords, Options

if TYPE_CHECKING:
    from vlbench.api.loaded_model import LoadedModel

Asked = str | Sequence[str | HeldData]
"""The tasks of a request: names, wildcards and data in memory."""


def resolve(
    models: str | Sequence[str] | NamedModel, tasks: Asked, options: Options, *, steps: bool = False
) -> tuple[list[NamedModel], list[NamedTask]]:
    """Find models and tasks by name, alias or wildcard. A task that is named twice is returned once. Data in
    memory are read and digested. With `steps`, the weights may be a pattern of several checkpoints.

    Raises:
        VlbenchError: a name is unknown, a card is wrong, or data are missing or differ from the card.
        DataError: two tasks with different data share a name, so that one's results would replace the
            other's; or the user gives class names to a task that does not use them.
    """
    catalogue, data = read_catalogue(options.include_path), options.data
    opened: list[NamedModel] = []
    if isinstance(models, str):
        models = (models,)
    elif not isinstance(models, Sequence):
        opened, models = [models], ()
    chosen = select(catalogue, models, "model")
    if options.weights is not None and len(chosen) != 1:
        raise VlbenchError(f"--weights belongs to one model, not to {len(chosen)}; name one")
    files: Sequence[tuple[int | None, Path | None]] = [(None, options.weights)]
    if options.weights is not None and is_pattern(options.weights):
        data = replace(data, splits=data.splits | {"validation"})
        if not steps:
            raise VlbenchError(
                f"--weights {options.weights} is a pattern, and one file is wanted here; name it"
            )
        files = [*files_by_step(options.weights).items()]
    found: dict[str, NamedTask] = {}
    for named in _opened(tasks, catalogue, options, data):
        first = found.setdefault(named.task.name, named)
        mine, theirs = (each.task.problem.images for each in (named, first))
        if mine.name != theirs.name:
            raise DataError(
                f"{theirs.name} and {mine.name} are both {named.task.name}: their folders and their files "
                "have equal names and sizes; rename one of the folders"
            )
        if mine.revision != theirs.revision:
            raise DataError(f"two data in memory are both {named.task.name}; give one another name")
    if data.classnames is not None:
        own = {text.name for text in read_classnames(data.classnames)}
        for name, named in found.items():
            if own.isdisjoint(text.name for text in named.task.problem.texts):
                raise DataError(
                    f"{name}: asks by its data's own texts, and by no name of "
                    f"{shown(data.classnames)}; run it without --classnames"
                )
    cache = None if options.verify_data else options.cache  # files are digested anew, not remembered
    opened += [
        open_model(name, catalogue, weights=file, step=step, preprocess=options.preprocess, cache=cache)
        for name in chosen
        for step, file in files
    ]
    if len(files) > 1 and len({named.checkpoint.name for named in opened}) < len(files):
        raise Unsupported(f"{opened[0].checkpoint.adapter}: its models have one name for all steps")
    return opened, list(found.values())


def _opened(tasks: Asked, catalogue: Catalogue, options: Options, data: DataRequest) -> Iterator[NamedTask]:
    for each in (tasks,) if isinstance(tasks, str) else tasks:
        if isinstance(each, str):
            for name in select(catalogue, (each,), "task"):
                yield open_task(name, catalogue, request=data)
        else:
            from vlbench.datasets.memory.dataset import held_dataset  # and Pillow

            options.alone("data in memory")
            kind, dataset = held_dataset(each)
            yield open_held(kind, dataset, each.name, catalogue, data)


def refuse_method(options: Options, what: str) -> None:
    """Raise VlbenchError where a method is given to a command that takes none; `what` names the command."""
    for method in options.methods:
        if method.name != ZERO_SHOT.name:
            raise VlbenchError(f"{what} takes no method; leave {method.name} out")


def load_model(name: str, **options: Unpack[Keywords]) -> "LoadedModel":
    """Load a model with its weights, to encode and classify by hand in the numbers of an evaluation.

    The options are those of `evaluate` (device, precision, weights ...).

    Raises:
        VlbenchError: the name is unknown or the weights cannot be read.

    >>> from PIL.Image import new
    >>> model = load_model("tiny-clip", device="cpu")
    >>> model.encode_texts(["a red square"]).shape
    torch.Size([1, 128])
    >>> model.classify([new("RGB", (64, 64), "red")], ["red square", "blue circle"]).shape
    (1, 2)
    """
    from vlbench.api.loaded_model import LoadedModel  # and torch

    read = Options.of(options)
    refuse_method(read, "load_model")
    models, _ = resolve(name, (), read)
    settings = read.alone("load_model")
    model = models[0].checkpoint.load(Placement(settings.device, settings.precision))
    catalogue = read_catalogue(read.include_path, kinds=["task"])
    return LoadedModel(model, settings, own_templates("classification", catalogue) or BARE)


def load_task(name: str, **options: Unpack[Keywords]) -> Task:
    """Load a task: its data are found and counted, and no image is opened.

    Raises:
        VlbenchError: the name is unknown, or the data are missing or differ from the card.

    >>> len(load_task("digits").problem.images)
    1797
    """
    _, tasks = resolve((), name, Options.of(options))
    return tasks[0].task


def list_models(include_path: Sequence[Path | str] = ()) -> tuple[str, ...]:
    """Names of all model cards, sorted.

    >>> "tiny-clip" in list_models()
    True
    """
    return tuple(
        sorted(
            read_catalogue(Options.of({"include_path": include_path}).include_path, kinds=["model"]).models
        )
    )


def list_tasks(include_path: Sequence[Path | str] = ()) -> tuple[str, ...]:
    """Names of all task cards, sorted.

    >>> "shapes" in list_tasks()
    True
    """
    return tuple(
        sorted(read_catalogue(Options.of({"include_path": include_path}).include_path, kinds=["task"]).tasks)
    )
