"""The values of a file's tensors: brought to float32, and refused where they are no weights."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

from vlbench.adapters.checkpoint_layout import Weights, listed
from vlbench.core.errors import WeightsError

_MOST_LOG_SCALE = 9.2
"""A scale of 10,000: trained ones are at most 100 or a little more (Radford et al. 2021, section 2.5)."""


def in_float32(weights: Weights) -> Weights:
    """Weights whose floating-point tensors are float32; other types are counted."""
    state = {
        key: value.float() if value.is_floating_point() else value for key, value in weights.state.items()
    }
    kinds = Counter(
        str(value.dtype).removeprefix("torch.")
        for key, value in weights.state.items()
        if value.dtype != state[key].dtype
    )
    said = (f"{count} tensors converted from {kind} to float32" for kind, count in sorted(kinds.items()))
    return weights.having(state, *said)


def check_values(weights: Weights, read: Iterable[str]) -> None:
    """Raise WeightsError unless the tensors that a model reads, by name, are finite and floating-point."""
    found = {key: weights.state[key] for key in read if key in weights.state}
    kinds = {key: str(value.dtype).removeprefix("torch.") for key, value in found.items()}
    wrong = [f"{key} ({kinds[key]})" for key, value in found.items() if not value.is_floating_point()]
    if wrong:
        raise WeightsError(
            f"{weights.path}: {listed(f'{len(wrong)} weights are no floating-point numbers', wrong)}; "
            "quantised weights are not read, save them in float32 or float16"
        )
    wrong = [key for key, value in found.items() if not _is_finite(value)]
    if wrong:
        raise WeightsError(
            f"{weights.path}: {listed(f'NaN or infinity in {len(wrong)} tensors', wrong)}; fetch the file "
            "again, or take weights from before training diverged"
        )


def scale_of(path: Path, log_scale: Tensor) -> float:
    """The factor of cosines whose logarithm a file holds as `logit_scale`.

    Raises:
        WeightsError: the factor itself seems to be stored.
    """
    value = float(log_scale.detach())
    if value > _MOST_LOG_SCALE:
        raise WeightsError(
            f"{path}: logit_scale is {value:g}, which would multiply cosines by "
            f"exp({value:g}); the factor "
            "itself seems to be stored: save its natural logarithm"
        )
    return float(log_scale.detach().exp())


def _is_finite(value: Tensor) -> bool:
    if not value.numel():
        return True
    least, most = torch.aminmax(value.detach())  # both are NaN where a value is; takes no memory
    return bool(least.isfinite() and most.isfinite())
