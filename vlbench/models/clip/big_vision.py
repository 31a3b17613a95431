"""Reads SigLIP weights in Google's own .npz files (big_vision) into open_clip's networks."""

import re
from pathlib import Path

from numpy.lib.npyio import NpzFile
from torch import nn

from vlbench.core.damage import reading
from vlbench.core.errors import WeightsError
from vlbench.core.npz_file import opened_npz
from vlbench.models.shared.weights import Weights, check_values, listed

_BIG_VISION = re.compile(
    r"(?:img/(?:embedding|cls|pos_embedding|Transformer|MAPHead_0)|txt/(?:Embed_0|pos_embedding|Encoder_0|head))(?:/|$)"
    r"|[bt]$"
)
"""The arrays in Google's files that open_clip reads (open_clip/convert.py, load_big_vision_weights)."""


def fill_from_big_vision(model: nn.Module, weights: Path) -> None:
    """Load the arrays of an .npz file into a network.

    Raises:
        WeightsError: the file is damaged, or belongs to another architecture.
    """
    from open_clip.convert import load_big_vision_weights

    with opened_npz(weights, weights, error=WeightsError) as arrays:
        with reading(weights, "no big_vision weights of this architecture", error=WeightsError):
            load_big_vision_weights(model, str(weights))
        _check_all_read(model, weights, arrays)


def _check_all_read(model: nn.Module, weights: Path, arrays: NpzFile) -> None:
    """Raise WeightsError if an .npz file has more arrays, or more numbers, than the model read."""
    root = "params/" if "params/b" in arrays else ""
    names = [name for name in arrays.files if name.startswith(root)]
    strange = [name for name in names if not _BIG_VISION.match(name.removeprefix(root))]
    count = sum(arrays[name].size for name in names)
    if strange:
        raise WeightsError(f"{weights}: {listed(f'has {len(strange)} unexpected arrays', strange)}")
    taken = sum(parameter.numel() for parameter in model.parameters())
    if count != taken:
        raise WeightsError(
            f"{weights}: holds {count} numbers, this architecture takes {taken}; name the architecture that "
            "these weights belong to"
        )
    parameters = dict(model.named_parameters())
    check_values(Weights(weights, dict(parameters)), parameters)
