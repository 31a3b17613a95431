"""Networks of transformers, built from their configuration and filled from a weights file."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from vlbench.core.damage import reading
from vlbench.core.errors import WeightsError
from vlbench.models.shared.foreign_keys import advice
from vlbench.models.shared.weight_files import read_weights
from vlbench.models.shared.weights import (
    check_values,
    in_float32,
    left_aside,
    matching,
    refuse_unfit,
    within,
)
from vlbench.models.transformers.files import CONFIG, Files

Network = tuple[nn.Module, tuple[str, ...]]
"""A model in evaluation mode, and what was changed in its weights."""

_BUFFERS = "*.position_ids"
"""Keys that transformers silently skips: from old releases, not weights."""

_ANCHORS = ("logit_scale", "temperature")
"""Tensors of which every dual encoder has one, by which it is found among other networks."""


def config_of(files: Files) -> Any:
    """A checkpoint's configuration.

    Raises:
        WeightsError: transformers cannot read it.
    """
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig

    assert files.family  # of a type that transformers itself has: no code of the repository is run
    wrong = "without a configuration that transformers reads"
    with reading(files.folder, wrong, error=WeightsError, also=(StrictDataclassError,)):
        return AutoConfig.from_pretrained(files.folder, local_files_only=True, trust_remote_code=False)


def filled_model(config: Any, path: Path) -> Network:
    """The model in evaluation mode on the CPU, filled with transformers' own conversions of older names.

    Raises:
        WeightsError: a key is missing, unexpected or has another shape; the message names the first few.
    """
    from transformers import MODEL_MAPPING

    weights = in_float32(within(read_weights(path), _ANCHORS))
    mend = f"take the {CONFIG} that these weights belong to"
    with reading(path.parent / CONFIG, "none that a model can be made of", mend, error=WeightsError):
        model, told = MODEL_MAPPING[type(config)].from_pretrained(
            None,
            config=config,
            state_dict=dict(weights.state),
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            dtype=torch.float32,
        )
    own = model.state_dict()
    reshaped = [key if isinstance(key, str) else str(key[0]) for key in told["mismatched_keys"]]
    refuse_unfit(
        path,
        own,
        missing=sorted(told["missing_keys"]),
        unexpected=sorted(told["unexpected_keys"]),
        reshaped=sorted(reshaped),
        mend=mend,
    )
    if told["error_msgs"]:
        raise WeightsError(f"{path}: {' and '.join(told['error_msgs'])}; {advice(path, (), own)}")
    # what lies in the file under an older name is looked at as it was read
    found = weights.having({**own, **weights.state})
    check_values(found, [key for key, value in own.items() if value.is_floating_point()])
    others = [key for key in weights.state if key not in own]
    buffers = matching(others, [_BUFFERS])
    said = left_aside(
        ("buffers without weights not read", buffers),
        ("tensors read under newer names", [key for key in others if key not in buffers]),
    )
    return cast(nn.Module, model).eval().requires_grad_(requires_grad=False), (*weights.changes, *said)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' reports and progress bars; errors are raised here."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def first_line(error: Exception) -> str:
    """The first line of an error's text, or its type."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
