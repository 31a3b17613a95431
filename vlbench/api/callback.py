"""Score a model during training: a function that the training loop calls after each step."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Unpack

from vlbench.api.results import Results
from vlbench.api.runs import evaluate
from vlbench.core.errors import Unsupported, VlbenchError
from vlbench.options import Keywords

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
        VlbenchError: `every` is below 1, or `log` is none of these.

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
    if every < 1:
        raise VlbenchError(f"every is {every}; give a number of steps, 1 or more")
    write = _log(log)

    def score(step: int) -> Results:
        if step % every:
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
