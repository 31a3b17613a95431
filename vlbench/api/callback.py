"""Score a model during training: a function that the training loop calls after each step."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Unpack

from vlbench.api.results import Results
from vlbench.api.runs import asked_tasks, evaluate
from vlbench.cards.catalogue import read_catalogue, select
from vlbench.core.errors import Unsupported, VlbenchError
from vlbench.flag import whole
from vlbench.models.memory.held import HeldModel
from vlbench.options import Keywords, Options
from vlbench.report.tables.steps import VALIDATION

Log = Callable[[Mapping[str, float], int], object]
"""Takes numbers by name, and the step."""


def callback(
    model: Any,
    tasks: Any,
    *,
    every: int,
    name: str = "model",
    log: Any = None,
    tokenizer: Any = None,
    logit_scale: float | None = None,
    **options: Unpack[Keywords],
) -> Callable[[int], Results]:
    """Make a function that a training loop calls with its step: every `every` steps it scores the model.

    The row is called `name@step`. `log` says where the numbers go: "wandb" or "mlflow" (the run under way
    there), a SummaryWriter of TensorBoard, or a function of {"task/metric": value} and the step. The other
    arguments are those of `evaluate`. The model goes back to training mode if it was in it.

    Raises:
        VlbenchError: `every` is below 1, `log` is none of these, or the model, a task's name or an option is
            wrong.

    >>> import torch
    >>> class Toy:
    ...     def encode_image(self, images):
    ...         return images.flatten(1)[:, :4]
    ...     def encode_text(self, sentences):
    ...         return torch.eye(4)[[len(each) % 4 for each in sentences]]
    >>> from tempfile import TemporaryDirectory
    >>> folder = TemporaryDirectory()
    >>> options = {"preprocess": lambda image: torch.ones(3, 8, 8), "cache": folder.name, "workers": 0}
    >>> score = callback(Toy(), "digits", every=100, limit=8, **options)
    >>> score(50)
    no results
    >>> [result.model for result in score(100)]
    ['model@100']
    >>> folder.cleanup()
    """
    steps = whole("every", every, 1)
    write = _log(log)
    # what is wrong is refused here, not after hours of training
    HeldModel(name, model, options.get("preprocess"), tokenizer, logit_scale)
    read = Options.of({**options, "preprocess": "exact"})
    names = [each for each in asked_tasks(tasks) if isinstance(each, str)]
    select(read_catalogue(read.include_path, kinds=["task"]), names, "task")

    def score(step: int) -> Results:
        """Evaluate and log at every so many steps; no result at others."""
        if step % steps:
            return Results()
        found = evaluate(
            model, tasks, tokenizer=tokenizer, logit_scale=logit_scale, name=name, step=step, **options
        )
        numbers = {
            f"{result.task}/{each.metric}": each.value
            for result in found
            for each in result.metrics
            if each.value is not None
        }
        for result in found:
            on_split = {name: value for name, value in result.learned.items() if name.startswith(VALIDATION)}
            numbers |= {f"{result.task}/{name}": float(value) for name, value in on_split.items()}
        write(numbers, step)
        return found

    return score


def _log(log: Any) -> Log:
    if log is None:
        return lambda _, __: None
    if callable(log):
        return log  # type: ignore[no-any-return]
    if callable(add := getattr(log, "add_scalar", None)):
        return lambda numbers, step: [add(name, value, step) for name, value in numbers.items()]
    if log not in ("wandb", "mlflow"):
        raise VlbenchError(f"log is {log!r}; give 'wandb', 'mlflow', a SummaryWriter or a function")
    try:
        module = import_module(log)
    except ModuleNotFoundError as error:
        raise Unsupported(f"log {log!r} needs the package {log}; pip install 'vlbench[{log}]'") from error
    if log == "wandb":
        return lambda numbers, step: module.log(dict(numbers), step=step)
    # mlflow refuses an @ in a name
    return lambda numbers, step: module.log_metrics(
        {name.replace("@", "_at_"): value for name, value in numbers.items()}, step=step
    )
