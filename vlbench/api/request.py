"""The models and tasks that a request names: lists them, finds and counts them, or loads them."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from vlbench.api.failures import Failures
from vlbench.api.surroundings import undisturbed
from vlbench.api.training_run import files_by_step, is_pattern
from vlbench.cards.build import NamedModel, NamedTask, open_held, open_model, open_task
from vlbench.cards.catalogue import Catalogue, read_catalogue, select
from vlbench.cards.data_request import DataRequest
from vlbench.cards.own_data import own_templates
from vlbench.cards.texts import read_classnames
from vlbench.core.contracts import Placement
from vlbench.core.errors import Attempt, DataError, Unsupported, VlbenchError
from vlbench.core.files import shown
from vlbench.core.method import ZERO_SHOT
from vlbench.core.name_list import names_in
from vlbench.core.protocol import BARE
from vlbench.core.task import Task
from vlbench.datasets.memory.held import HeldData
from vlbench.options import Keywords, Options

if TYPE_CHECKING:
    from vlbench.api.loaded_model import LoadedModel

Asked = str | Sequence[str | HeldData]
"""The tasks of a request: names, wildcards and data in memory."""


def resolve(
    models: str | Sequence[str] | NamedModel,
    tasks: Asked,
    options: Options,
    failures: Failures | None = None,
    *,
    steps: bool = False,
) -> tuple[list[NamedModel], list[NamedTask]]:
    """Find models and tasks by name, alias or wildcard. A task that is named twice is returned once. Data in
    memory are read and digested. With `steps`, the weights may be a pattern of several checkpoints.

    With `failures`, which then counts the pairs, models and tasks that cannot be opened are noted there and
    left out.

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
    asked: list[str | HeldData] = []
    for each in (tasks,) if isinstance(tasks, str) else tasks:
        asked += select(catalogue, (each,), "task") if isinstance(each, str) else [each]
    refusing: Attempt = nullcontext if failures is None else failures.refusing
    if failures is not None:
        count = len(opened) + len(chosen) * len(files)
        failures.asked = count * len(asked) * len(options.methods)
    found: dict[str, NamedTask] = {}
    for each in asked:
        with refusing(each if isinstance(each, str) else each.name):
            named = _opened(
                each, catalogue, options, data, of_steps=any(one.step is not None for one in opened)
            )
            _refuse_task(named, found.get(named.task.name, named), data)
            found.setdefault(named.task.name, named)
    cache = None if options.verify_data else options.cache  # files are digested anew, not remembered
    for name in chosen:
        for step, file in files:
            with refusing(name if step is None else f"{name} at step {step}"):
                opened.append(
                    open_model(
                        name, catalogue, weights=file, step=step, preprocess=options.preprocess, cache=cache
                    )
                )
    if len({named.checkpoint.name for named in opened}) < len(opened) and len(files) > 1:
        raise Unsupported(f"{opened[0].checkpoint.adapter}: its models have one name for all steps")
    return opened, list(found.values())


def _opened(
    asked: str | HeldData, catalogue: Catalogue, options: Options, data: DataRequest, *, of_steps: bool
) -> NamedTask:
    if isinstance(asked, str):
        return open_task(asked, catalogue, request=data)
    from vlbench.datasets.memory.dataset import held_dataset, held_split  # and Pillow

    options.alone("data in memory")
    kind, dataset = held_dataset(asked)
    splits = {
        split: held_split(asked, split, kind, dataset.offers.names)
        for split in asked.splits
        if split in data.splits or (of_steps and split == "validation")
    }
    return open_held(kind, dataset, asked.name, catalogue, data, splits)


def _refuse_task(named: NamedTask, first: NamedTask, data: DataRequest) -> None:
    """Raise DataError where the first task of this one's name is another, or where it does not ask by the
    names given.
    """
    name = named.task.name
    mine, theirs = (each.task.problem.images for each in (named, first))
    if mine.name != theirs.name:
        raise DataError(
            f"{theirs.name} and {mine.name} are both {name}: their folders and their files have equal "
            "names and sizes; rename one of the folders"
        )
    if mine.revision != theirs.revision or named.task.protocol.digest != first.task.protocol.digest:
        raise DataError(f"two data in memory are both {name}; give one another name")
    if data.classnames is None:
        return
    own = {text.name for text in read_classnames(data.classnames)}
    if own.isdisjoint(text.name for text in named.task.problem.texts):
        raise DataError(
            f"{name}: asks by its data's own texts, and by no name of "
            f"{shown(data.classnames)}; run it without --classnames"
        )


def one_model(name: str, options: Options, what: str) -> NamedModel:
    """The one model of a name, for `what` takes no more.

    Raises:
        VlbenchError: it is unknown, or stands for several.
    """
    named = names_in(name)
    if named is None:
        raise VlbenchError(f"{what} takes the name of a model, not a {type(name).__name__}")
    models, _ = resolve(named, (), options)
    if len(models) != 1:
        raise VlbenchError(f"{what} takes one model, not {len(models)}; name one")
    return models[0]


def one_task(name: str | HeldData, options: Options) -> Task:
    """The one task of a name, or of data in memory.

    Raises:
        VlbenchError: it is unknown, or stands for several, or its data are missing or differ from the card.
    """
    named = (name,) if isinstance(name, HeldData) else names_in(name)
    if named is None:
        raise VlbenchError(
            f"a task is asked for by its name, or is vlbench.data(...), not a {type(name).__name__}"
        )
    _, tasks = resolve((), named, options)
    if len(tasks) != 1:
        raise VlbenchError(f"{name} is {len(tasks)} tasks; name one")
    return tasks[0].task


def refuse_method(options: Options, what: str) -> None:
    """Raise VlbenchError where a method is given to a command that takes none; `what` names the command."""
    for method in options.methods:
        if method.name != ZERO_SHOT.name:
            raise VlbenchError(f"{what} takes no method; leave {method.name} out")


@undisturbed()
def load_model(name: str, **options: Unpack[Keywords]) -> "LoadedModel":
    """Load a model with its weights, to encode and classify by hand in the numbers of an evaluation.

    The options are those of `evaluate` (device, precision, weights ...).

    Raises:
        VlbenchError: the name is unknown or stands for several, or the weights cannot be read.

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
    named = one_model(name, read, "load_model")
    settings = read.alone("load_model")
    model = named.checkpoint.load(Placement(settings.device, settings.precision))
    catalogue = read_catalogue(read.include_path, kinds=["task"])
    return LoadedModel(model, settings, own_templates("classification", catalogue) or BARE)


def load_task(name: str | HeldData, **options: Unpack[Keywords]) -> Task:
    """Load a task: its data are found and counted, and no image is opened.

    Raises:
        VlbenchError: the name is unknown or stands for several, or the data are missing or differ from the
            card.

    >>> len(load_task("digits").problem.images)
    1797
    """
    return one_task(name, Options.of(options))


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
