"""Output directories of Dassl, written as its save_checkpoint writes them."""

import sys
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn


class ConstantWarmupScheduler:
    """What Dassl's class of this name keeps of itself: everything."""

    def __init__(self, optimizer: torch.optim.Optimizer, successor: object) -> None:
        self.optimizer = optimizer
        self.successor = successor
        self.last_epoch = 1


ConstantWarmupScheduler.__module__ = "dassl.optim.lr_scheduler"


def install_dassl(patch) -> None:
    """Make Dassl's scheduler importable, so that it can be pickled under its own name."""
    names = ("dassl", "dassl.optim", "dassl.optim.lr_scheduler")
    for name in names:
        patch.setitem(sys.modules, name, ModuleType(name))
    sys.modules[names[-1]].ConstantWarmupScheduler = ConstantWarmupScheduler  # type: ignore[attr-defined]


def checkpoint(context: Tensor, *, epoch: int = 50, classes: int = 3) -> dict[str, object]:
    """A checkpoint after some epochs, with the objects of torch that lie in one, as the layout facts say."""
    count, width = context.shape[-2:]
    learned = nn.Parameter(context.clone())
    optimiser = torch.optim.SGD([learned], lr=0.002, momentum=0.9, weight_decay=5e-4)
    successor = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 50.0)
    learned.grad = torch.ones_like(learned)
    optimiser.step()
    scheduler = {"cons_lr": 1e-5, "successor": successor, "warmup_epoch": 1, "last_epoch": 1}
    state = {
        "ctx": context,
        "token_prefix": torch.zeros(classes, 1, width),
        "token_suffix": torch.zeros(classes, 76 - count, width),
    }
    return {
        "state_dict": state,
        "epoch": epoch,
        "optimizer": optimiser.state_dict(),
        "scheduler": scheduler,
        "val_result": None,
    }


def write_directory(folder: Path, files: dict[str, Tensor], *, newest: str = "") -> Path:
    """A directory with a context under each file name, and the text file that names the newest."""
    inner = folder / "prompt_learner"
    inner.mkdir(parents=True)
    for name, context in files.items():
        epoch = int(name.rpartition("-")[2]) if name[-1].isdecimal() else 50
        torch.save(checkpoint(context, epoch=epoch), inner / name)
    if newest:
        (inner / "checkpoint").write_text(f"{newest}\n")
    return folder
