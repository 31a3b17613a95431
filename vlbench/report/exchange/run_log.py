"""Logs results to experiment trackers, if a run asks for it: one tracker run per result."""

import importlib
import os
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Literal

from vlbench.core.errors import Unsupported
from vlbench.core.result import Result

Tracker = Literal["wandb", "mlflow"]
PROJECT = "vlbench"
"""The default project of wandb, or experiment of mlflow."""


def run_log(tracker: Tracker) -> Callable[[Result], None]:
    """Return a function that logs a result to a tracker.

    The tracker is configured by its environment variables.

    Raises:
        Unsupported: the tracker is not installed.
    """
    try:
        module = importlib.import_module(tracker)
    except ModuleNotFoundError as error:
        raise Unsupported(
            f"--log {tracker} needs the package {error.name}; pip install 'vlbench[{tracker}]'"
        ) from error
    log = {"wandb": _log_to_wandb, "mlflow": _log_to_mlflow}[tracker]
    return lambda result: log(module, result)


def logged_metrics(result: Result) -> dict[str, float]:
    """The numbers of a result by name: metrics with both ends of their intervals, and images/s.

    Trackers refuse an @ in a name: `recall@5` is logged as `recall_at_5`.
    """
    numbers: dict[str, float | None] = {}
    for value in result.metrics:
        name = value.metric.replace("@", "_at_")
        numbers |= {name: value.value, f"{name}.ci_low": value.ci_low, f"{name}.ci_high": value.ci_high}
    numbers["images_per_second"] = result.timing.images_per_second
    return {name: number for name, number in numbers.items() if number is not None}


def logged_facts(result: Result) -> Mapping[str, str | int | float]:
    """The facts about how a result was measured."""
    names = ("model", "method", "task", "kind", "protocol", "protocol_digest", "primary", "partial")
    return {
        **{name: getattr(result, name) for name in (*names, "zero_shot", "n_images", "n_texts")},
        **{f"digest_{name}": digest for name, digest in result.digests.items()},
        **result.settings,
        **{f"version_{name}": version for name, version in result.software.items()},
        **result.facts,
    }


def _log_to_wandb(wandb: ModuleType, result: Result) -> None:
    # neither package has types that mypy could follow where it is not installed
    run: Any = wandb.init(
        project=os.environ.get("WANDB_PROJECT", PROJECT),
        name=_name(result),
        job_type="evaluation",
        config=dict(logged_facts(result)),
        reinit="finish_previous",
    )
    run.log(logged_metrics(result))
    run.finish()


def _log_to_mlflow(mlflow: ModuleType, result: Result) -> None:
    if "MLFLOW_EXPERIMENT_NAME" not in os.environ and "MLFLOW_EXPERIMENT_ID" not in os.environ:
        mlflow.set_experiment(PROJECT)
    with mlflow.start_run(run_name=_name(result)):
        mlflow.log_params(logged_facts(result))
        mlflow.log_metrics(logged_metrics(result))


def _name(result: Result) -> str:
    return f"{result.model} on {result.task}"
