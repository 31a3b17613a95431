"""The state of a fit that is under way, as one checked file: tensors by name, and numbers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load, save
from torch import Tensor

from vlbench.core.files import read_checked, write_checked

STATE_FILE = "state.safetensors"
_NUMBERS = "numbers"


def read_state(path: Path) -> tuple[dict[str, Tensor], list[float]]:
    """The tensors and numbers of a written state; both empty if there is none, or it is damaged."""
    kept = read_checked(path)
    if kept is None:
        return {}, []
    state = load(kept)
    return state, state.pop(_NUMBERS).tolist()


def write_state(path: Path, tensors: Mapping[str, Tensor], numbers: Sequence[float]) -> None:
    """Write a state in place of the last one."""
    write_checked(path, save({**tensors, _NUMBERS: torch.tensor(numbers, dtype=torch.float64)}))
