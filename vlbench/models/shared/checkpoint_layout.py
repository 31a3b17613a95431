"""Finds the state dict in the content of a torch checkpoint."""

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from vlbench.core.errors import WeightsError
from vlbench.models.shared.weights import (
    AMID,
    AVERAGED,
    PREFIXES,
    StateDict,
    Weights,
    listed,
    without_prefixes,
)

_HOLDERS = ("state_dict", "model_state_dict", "model", "module")
"""The keys under which training code stores the state dict of its model."""

_OF_TRAINING = re.compile(r"optim|sched|scaler|rng|random|callback|loops")
"""The names of a trainer's own entries; tensors in there are not weights."""

_NESTED = 2


def unwrapped(path: Path, content: object) -> Weights:
    """The state dict that a file's content is or contains, without the prefixes of training code.

    Raises:
        WeightsError: there is none, it is not clear which one, or learned tensors next to it would be left
            out.
    """
    if not isinstance(content, Mapping) or not content:
        raise WeightsError(f"{path}: holds {type(content).__name__}, no state dict")
    if _is_state(content):
        return without_prefixes(Weights(path, {str(key): value for key, value in content.items()}))
    found = _state_dicts(content)
    if not found:
        name = next((key for key in _HOLDERS if isinstance(content.get(key), Mapping)), "")
        strange = [
            str(key)
            for key, value in (content[name] if name else content).items()
            if not isinstance(value, Tensor)
        ]
        where = f"{path}: {name}" if name else str(path)
        raise WeightsError(f"{where}: no state dict: {', '.join(strange[:5])} are no tensors")
    name = _chosen(path, found)
    _check_beside(path, name, found, content)
    beside = [key for key in map(str, content) if key != name.partition("/")[0]]
    beside += [key for key in found if key != name and "/" in key]
    unread = (listed("not read, beside it", beside),) if beside else ()
    return without_prefixes(Weights(path, dict(found[name]), (f"read from {name!r}", *unread)))


def _is_state(content: Mapping[object, object]) -> bool:
    return bool(content) and all(isinstance(value, Tensor) for value in content.values())


def _state_dicts(content: Mapping[object, object], depth: int = _NESTED) -> dict[str, StateDict]:
    """The state dicts in a content, by the path of keys to them (`state_dict/model`)."""
    found: dict[str, StateDict] = {}
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, Mapping) or _OF_TRAINING.search(key):
            continue
        if _is_state(value):
            found[key] = {str(name): tensor for name, tensor in value.items()}
        elif depth and "param_groups" not in value:
            found |= {f"{key}/{name}": state for name, state in _state_dicts(value, depth - 1).items()}
    return found


def _chosen(path: Path, found: Mapping[str, StateDict]) -> str:
    """The key of the state dict that a trainer names as its model's, else of the only one."""
    plain = [key for key in found if not AVERAGED.search(key.replace("/", "."))] or list(found)
    named = [key for key in plain if key.rpartition("/")[2] in _HOLDERS] or plain
    if len(named) > 1:
        raise WeightsError(
            f"{path}: holds several state dicts: {', '.join(named)}; save the one to score as a file "
            "of its own"
        )
    return named[0]


def _check_beside(
    path: Path, name: str, found: Mapping[str, StateDict], content: Mapping[object, object]
) -> None:
    """Raise WeightsError if other tensors belong to the model and are not a copy of the chosen ones."""
    own = {_short(key) for key in found[name]}
    parts = [
        key
        for key, state in found.items()
        if key != name
        and not AVERAGED.search(key.replace("/", "."))
        and {_short(each) for each in state} != own
        and any(map(_is_learned, state.values()))
    ]
    parts += [
        str(key)
        for key, value in content.items()
        if isinstance(value, Tensor) and _is_learned(value) and not _OF_TRAINING.search(str(key))
    ]
    if parts:
        raise WeightsError(
            f"{path}: {listed(f'learned tensors beside {name!r} would be left out', parts)}; save all that "
            "the model reads in one state dict, without what it does not"
        )


def _is_learned(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and tensor.ndim > 0


def _short(key: str) -> str:
    """A key without the prefixes of training code."""
    key = AMID.sub("", key)
    while key.startswith(PREFIXES):
        key = key.partition(".")[2]
    return key
