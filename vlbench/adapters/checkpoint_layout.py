"""Where the state dict lies in what a file holds, and what is taken off the names of its tensors."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from vlbench.core.errors import WeightsError

StateDict = dict[str, Tensor]

_HOLDERS = ("state_dict", "model_state_dict", "model", "module")
"""Keys under which training code keeps the state dict of the model that it trains."""

_AVERAGED = re.compile(r"(?:^|[._])(?:ema|swa|averaged?|shadow)(?:[._]|$)", re.IGNORECASE)
"""Names of a second state: weights averaged over training."""

_OF_TRAINING = re.compile(r"optim|sched|scaler|rng|random|callback|loops")
"""Names of what a trainer keeps for itself; tensors in there are no weights."""

_PREFIXES = ("module.", "model.")
"""What DataParallel and Lightning put in front of every key."""

_AMID = re.compile(r"(?<![^.])(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
"""What torch's own wrappers of a part put into its keys, at any place."""

_NESTED = 2
_NAMED = 5
"""How many names a sentence lists before it counts the rest."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Tensors of a file; `changes` are sentences on what was done to have them."""

    path: Path
    state: StateDict
    changes: tuple[str, ...] = ()

    def having(self, state: StateDict, *changes: str) -> "Weights":
        """These weights after a step, with what is to be said of it."""
        return Weights(self.path, state, (*self.changes, *changes))


def unwrapped(path: Path, content: object) -> Weights:
    """The state dict that a file's content is or holds, without the prefixes of training code.

    Raises:
        WeightsError: there is none, it is not clear which, or learned tensors beside it would be left out.
    """
    if not isinstance(content, Mapping) or not content:
        raise WeightsError(f"{path}: holds {type(content).__name__}, no state dict")
    if _is_state(content):
        return _unprefixed(Weights(path, {str(key): value for key, value in content.items()}))
    found = _state_dicts(content)
    if not found:
        name = next((key for key in _HOLDERS if isinstance(content.get(key), Mapping)), "")
        strange = [
            str(key)
            for key, value in (content[name] if name else content).items()
            if not isinstance(value, Tensor)
        ]
        where = f"{path}: {name}" if name else str(path)
        raise WeightsError(f"{where}: no state dict: {', '.join(strange[:_NAMED])} are no tensors")
    name = _chosen(path, found)
    _check_beside(path, name, found, content)
    beside = [key for key in map(str, content) if key != name.partition("/")[0]]
    beside += [key for key in found if key != name and "/" in key]
    unread = (listed("not read, beside it", beside),) if beside else ()
    return _unprefixed(Weights(path, dict(found[name]), (f"read from {name!r}", *unread)))


def within(weights: Weights, anchors: Sequence[str]) -> Weights:
    """The network of a state dict that has a tensor of one of the names `anchors`, by whatever prefix.

    Keys under other prefixes stay as they are; an averaged copy beside it is left out.

    Raises:
        WeightsError: several networks have such a tensor.
    """
    state = weights.state
    if any(anchor in state for anchor in anchors):
        return weights
    prefixes = {key.removesuffix(anchor) for anchor in anchors for key in state if key.endswith(f".{anchor}")}
    plain = [each for each in sorted(prefixes) if not _AVERAGED.search(each)] or sorted(prefixes)
    if not plain:
        return weights
    if len(plain) > 1:
        raise WeightsError(
            f"{weights.path}: holds several models: {', '.join(plain)}; save the one to score as a "
            "file of its own"
        )
    prefix = plain[0]
    left = [key for key in state if any(key.startswith(each) for each in prefixes - {prefix})]
    kept = {key: value for key, value in state.items() if key not in left}
    said = (
        [listed(f"{len(left)} tensors of an averaged copy not read", sorted(prefixes - {prefix}))]
        if left
        else []
    )
    return _without(weights.having(kept, *said), prefix)


def listed(what: str, names: Sequence[str]) -> str:
    """The first few of a list of names, the rest counted."""
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{what}: {', '.join(names[:_NAMED])}{rest}"


def _is_state(content: Mapping[object, object]) -> bool:
    return bool(content) and all(isinstance(value, Tensor) for value in content.values())


def _state_dicts(content: Mapping[object, object], depth: int = _NESTED) -> dict[str, StateDict]:
    """State dicts inside a content, by the keys that lead to them (`state_dict/model`)."""
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
    """The key of the state that a trainer calls its model's, else of the only one."""
    plain = [key for key in found if not _AVERAGED.search(key.replace("/", "."))] or list(found)
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
    """Raise WeightsError where tensors beside the chosen state are of the model and no copy of it."""
    own = {_short(key) for key in found[name]}
    parts = [
        key
        for key, state in found.items()
        if key != name
        and not _AVERAGED.search(key.replace("/", "."))
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
            f"{path}: {listed(f'learned tensors beside {name!r} would be left out', parts)}; save all "
            "that the "
            "model reads in one state dict, without what it does not"
        )


def _is_learned(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and tensor.ndim > 0


def _short(key: str) -> str:
    """A key without the prefixes of training code."""
    key = _AMID.sub("", key)
    while key.startswith(_PREFIXES):
        key = key.partition(".")[2]
    return key


def _unprefixed(weights: Weights) -> Weights:
    marks = sorted({mark for key in weights.state for mark in _AMID.findall(key)})
    what = f"{', '.join(map(repr, marks))} taken out of"
    weights = _renamed(weights, lambda key: _AMID.sub("", key), what)
    while prefix := next((each for each in _PREFIXES if _all_begin(weights.state, each)), ""):
        weights = _without(weights, prefix)
    return weights


def _all_begin(keys: Iterable[str], prefix: str) -> bool:
    return all(key.startswith(prefix) for key in keys)


def _without(weights: Weights, prefix: str) -> Weights:
    return _renamed(weights, lambda key: key.removeprefix(prefix), f"prefix {prefix!r} taken off")


def _renamed(weights: Weights, rename: Callable[[str], str], what: str) -> Weights:
    """Weights under other names; `what` is said with the count of those that changed.

    Raises:
        WeightsError: two tensors would have one name.
    """
    names = {key: rename(key) for key in weights.state}
    changed = sum(key != name for key, name in names.items())
    if not changed:
        return weights
    state = {names[key]: tensor for key, tensor in weights.state.items()}
    if len(state) != len(names):
        twice = sorted(key for key, name in names.items() if key != name and name in weights.state)
        raise WeightsError(
            f"{weights.path}: {listed('holds tensors twice, with and without a prefix', twice)}; save "
            "one of each"
        )
    return weights.having(state, f"{what} {changed} keys")
