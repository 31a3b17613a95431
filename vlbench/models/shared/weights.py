"""Weights as tensors by name: found in a file, checked against a model's tensors, refused if damaged."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.core.errors import WeightsError
from vlbench.models.shared.foreign_keys import advice

if TYPE_CHECKING:
    from torch import Tensor

StateDict = dict[str, "Tensor"]

AVERAGED = re.compile(r"(?:^|[._])(?:ema|swa|averaged?|shadow)(?:[._]|$)", re.IGNORECASE)
"""The names of a second state dict with weights averaged over training."""

PREFIXES = ("module.", "model.")
"""The prefixes that DataParallel and Lightning add to every key."""

AMID = re.compile(r"(?<![^.])(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
"""What torch's wrappers of a module insert into keys, at any position."""

_NAMED = 5
"""How many names a sentence lists; the rest are counted."""

_LENGTH_BYTES = 8
_LARGEST_HEADER = 100_000_000
"""The limit of the safetensors format, in bytes."""

_MOST_LOG_SCALE = 9.2
"""The logarithm of 10,000. Trained scales are at most about 100 (Radford et al. 2021, section 2.5)."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The tensors of a file; `changes` are sentences about how they were converted."""

    path: Path
    state: StateDict
    changes: tuple[str, ...] = ()

    def having(self, state: StateDict, *changes: str) -> "Weights":
        """These weights with another state dict, and sentences about the change."""
        return Weights(self.path, state, (*self.changes, *changes))


def is_safetensors(path: Path) -> bool:
    """Whether a file begins like a safetensors file: a length in 8 bytes, then JSON."""
    with path.open("rb") as file:
        head = file.read(_LENGTH_BYTES + 1)
    length = int.from_bytes(head[:_LENGTH_BYTES], "little")
    return head[_LENGTH_BYTES:] == b"{" and 0 < length < _LARGEST_HEADER


def without_prefixes(weights: Weights) -> Weights:
    """Remove the prefixes that training code adds to every key, and what torch's wrappers insert into keys.

    Raises:
        WeightsError: two tensors would have one name.
    """
    if marks := sorted({mark for key in weights.state for mark in AMID.findall(key)}):
        what = f"{', '.join(map(repr, marks))} taken out of"
        weights = _renamed(weights, lambda key: AMID.sub("", key), what)
    while prefix := next(
        (each for each in PREFIXES if all(key.startswith(each) for key in weights.state)), ""
    ):
        weights = _without(weights, prefix)
    return weights


def within(weights: Weights, anchors: Sequence[str]) -> Weights:
    """The network in a state dict that has a tensor with one of the names `anchors`, under any prefix.

    Keys with other prefixes are unchanged; an averaged copy of the network is left out.

    Raises:
        WeightsError: several networks have such a tensor.
    """
    state = weights.state
    if any(anchor in state for anchor in anchors):
        return weights
    prefixes = {key.removesuffix(anchor) for anchor in anchors for key in state if key.endswith(f".{anchor}")}
    plain = [each for each in sorted(prefixes) if not AVERAGED.search(each)] or sorted(prefixes)
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


def in_float32(weights: Weights) -> Weights:
    """Convert the floating-point tensors of weights to float32; conversions are counted in `changes`."""
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


def check_state(
    weights: Weights, own: "Mapping[str, Tensor]", *, unread: Collection[str] = (), mend: str
) -> None:
    """Check weights against a model's own tensors by name, shape and dtype; names in `unread` are skipped.

    Raises:
        WeightsError: tensors are missing, unexpected or have another shape (`mend` tells what to do), or are
            not finite.
    """
    state = weights.state
    refuse_unfit(
        weights.path,
        own,
        missing=[key for key in own if key not in state],
        unexpected=[key for key in state if key not in own and key not in unread],
        reshaped=[
            f"{key} {tuple(state[key].shape)} instead of {tuple(value.shape)}"
            for key, value in own.items()
            if key in state and state[key].shape != value.shape
        ],
        mend=mend,
    )
    check_values(weights, [key for key, value in own.items() if value.is_floating_point()])


def refuse_unfit(
    path: Path,
    own: Iterable[str],
    *,
    missing: Sequence[str] = (),
    unexpected: Sequence[str] = (),
    reshaped: Sequence[str] = (),
    mend: str = "",
) -> None:
    """Raise WeightsError if the tensors of a file differ from those of a model, whose names are `own`."""
    if missing or unexpected:
        problems = [listed(f"lacks {len(missing)} keys", missing)] if missing else []
        problems += [listed(f"has {len(unexpected)} unexpected keys", unexpected)] if unexpected else []
        raise WeightsError(f"{path}: {' and '.join(problems)}; {advice(path, unexpected, own)}")
    if reshaped:
        what = listed(f"{len(reshaped)} tensors of another shape", reshaped)
        raise WeightsError(f"{path}: {what}; {mend}")


def check_values(weights: Weights, read: Iterable[str]) -> None:
    """Raise WeightsError if a tensor that a model reads is not finite or not floating-point."""
    found = {key: weights.state[key] for key in read if key in weights.state}
    kinds = {key: str(value.dtype).removeprefix("torch.") for key, value in found.items()}
    wrong = [f"{key} ({kinds[key]})" for key, value in found.items() if not value.is_floating_point()]
    if wrong:
        raise WeightsError(
            f"{weights.path}: {listed(f'{len(wrong)} weights are no floating-point numbers', wrong)}; "
            "quantised weights are not read, save them in float32 or float16"
        )
    # the least and the most of a tensor are NaN where a value is; they take no memory
    wrong = [
        key
        for key, value in found.items()
        if value.numel() and not all(end.isfinite() for end in value.detach().aminmax())
    ]
    if wrong:
        raise WeightsError(
            f"{weights.path}: {listed(f'NaN or infinity in {len(wrong)} tensors', wrong)}; fetch the file "
            "again, or take weights from before training diverged"
        )


def scale_of(path: Path, log_scale: "Tensor") -> float:
    """The factor of cosines, whose logarithm a file stores as `logit_scale`.

    Raises:
        WeightsError: the factor itself seems to be stored.
    """
    log_scale = log_scale.detach().cpu()  # which takes the exponential alike whatever the model's device
    value = float(log_scale)
    if value > _MOST_LOG_SCALE:
        raise WeightsError(
            f"{path}: logit_scale is {value:g}, which would multiply cosines by exp({value:g}); the factor "
            "itself seems to be stored: save its natural logarithm"
        )
    return float(log_scale.exp())


def listed(what: str, names: Sequence[str]) -> str:
    """A sentence with the first few names of a list; the rest are counted."""
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{what}: {', '.join(names[:_NAMED])}{rest}"


def matching(keys: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """The keys that match one of the patterns, with * and ?.

    >>> matching(["fc.weight", "queue.0"], ["queue.*"])
    ['queue.0']
    """
    stated = list(patterns)
    return [key for key in keys if any(fnmatch(key, pattern) for pattern in stated)]


def left_aside(*groups: tuple[str, Sequence[str]]) -> tuple[str, ...]:
    """Sentences about tensors that are not read, one for each non-empty group.

    >>> left_aside(("buffers not read", ["a.mask", "b.mask"]), ("tensors not read", []))
    ('2 buffers not read: a.mask, b.mask',)
    """
    return tuple(listed(f"{len(names)} {what}", names) for what, names in groups if names)


def _without(weights: Weights, prefix: str) -> Weights:
    return _renamed(weights, lambda key: key.removeprefix(prefix), f"prefix {prefix!r} taken off")


def _renamed(weights: Weights, rename: Callable[[str], str], what: str) -> Weights:
    """Rename the weights. `what` describes the change; it is reported with the number of changed names.

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
