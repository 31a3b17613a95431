"""A stretch of training: which parameters learn, how fast, for how many steps."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

CLIPPED = 1.0
"""The longest a step's gradient may be."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Steps, the highest rate and the steps up to it, weight decay; `gate_rate` is that of single numbers."""

    steps: int
    rate: float
    warm_up: int
    decay: float = 0.05
    gate_rate: float = 0.0


def training(module: torch.nn.Module, stage: Stage) -> Iterator[int]:
    """The steps of a stage: at each the caller leaves gradients, which are then applied."""
    asked = [parameter for parameter in module.parameters() if parameter.requires_grad]
    groups = (
        ([p for p in asked if p.ndim > 1], stage.rate, stage.decay),
        ([p for p in asked if p.ndim == 1], stage.rate, 0.0),
        ([p for p in asked if p.ndim == 0], stage.gate_rate, 0.0),
    )
    optimiser = torch.optim.AdamW(
        [{"params": each, "lr": rate, "weight_decay": decay} for each, rate, decay in groups if each],
        betas=(0.9, 0.98),
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _share(step, stage))
    for step in range(stage.steps):
        optimiser.zero_grad()
        yield step
        torch.nn.utils.clip_grad_norm_(asked, CLIPPED)
        optimiser.step()
        schedule.step()


def report(values: list[float], what: str) -> None:
    """Print the mean of the last 50 values, every 50."""
    if len(values) % 50 == 0:
        print(f"step {len(values)}: {what} {last(values):.3f}", flush=True)


def last(values: list[float]) -> float:
    """The mean of the last 50 values."""
    return sum(values[-50:]) / len(values[-50:])


def _share(step: int, stage: Stage) -> float:
    """Of the highest rate: up in a line, down along a cosine."""
    if step < stage.warm_up:
        return (step + 1) / stage.warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - stage.warm_up) / (stage.steps - stage.warm_up)))
