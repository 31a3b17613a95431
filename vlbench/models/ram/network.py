"""Networks of taggers filled with the authors' files: what is needed is read, and no more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from vlbench.models.ram.sizes import TaggerSize
from vlbench.models.ram.swin import TABLE, is_square_grid, resampled, timm_key
from vlbench.models.ram.taggers import Ram, RamPlus, Tag2Text, Tagger
from vlbench.models.shared.weight_files import read_weights
from vlbench.models.shared.weights import (
    Weights,
    check_state,
    in_float32,
    left_aside,
    listed,
    matching,
    within,
)

MEND = "correct the card's `network` or its tag list"
"""What to do where a tensor is of another shape."""

NETWORKS: Mapping[str, type[Ram | RamPlus | Tag2Text]] = {
    "ram_plus": RamPlus,
    "ram": Ram,
    "tag2text": Tag2Text,
}

_COMPUTED = ("*.relative_position_index", "*.attn_mask")
"""Buffers that the sizes decide."""

_RENAMED = {"vision_multi.": "tagging_head."}
"""Older names of parts."""

_IMAGE_SIDE = "visual_encoder."
_ANCHOR = "visual_encoder.patch_embed.proj.weight"
"""A tensor that every tagger has, by which one is found among others."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A network with its weights, and the rows that its own tags are known by; None in open vocabulary."""

    network: Tagger
    bank: Tensor | None
    changes: tuple[str, ...] = ()


def read_tagger(
    family: str, size: TaggerSize, weights: Path, *, tags: int | None, ignorable: Sequence[str]
) -> Filled:
    """The network of a file on the CPU, mapped from it where its format allows.

    `tags` counts the list, None is an open vocabulary; `ignorable` are patterns of keys that the network has
    no place for. What else lies in the file (the optimizer's state is twice the weights) is never read.

    Raises:
        WeightsError: the file cannot be read, or a key is missing, unexpected or of another shape.
    """
    read = state_of(weights)
    with torch.device("meta"):
        network = NETWORKS[family](size)
        banks = {key: torch.empty(shape) for key, shape in network.bank_shapes(tags or 0).items()}
    own = network.state_dict()
    wanted = own if tags is None else {**own, **banks}
    computed = matching(read.state, _COMPUTED)
    unread = [] if tags is not None else [key for key in read.state if key in banks]
    known = {*wanted, *computed, *unread}
    others = matching((key for key in read.state if key not in known), ignorable)
    found = in_float32(read.having({key: read.state[key] for key in wanted if key in read.state}))
    kept = _fitting(found, wanted)
    check_state(
        kept.having({**read.state, **kept.state}), wanted, unread={*computed, *unread, *others}, mend=MEND
    )
    network.load_state_dict({key: kept.state[key] for key in own}, assign=True)
    said = [*left_aside(("buffers that the sizes decide not read", computed))]
    said += [listed("tags of its own not read, in open vocabulary", unread)] if unread else []
    said += left_aside(("tensors not read, as the card says", others))
    filled = network.eval().requires_grad_(requires_grad=False)
    return Filled(filled, None if tags is None else network.bank(kept.state), (*kept.changes, *said))


def state_of(path: Path) -> Weights:
    """The state dict of a file under the names that the networks here have.

    Raises:
        WeightsError: the file cannot be read, or holds no state dict.
    """
    weights = within(read_weights(path), (_ANCHOR,))
    return replace(weights, state={_renamed(key): value for key, value in weights.state.items()})


def _renamed(key: str) -> str:
    """A published key as the networks here name it."""
    for old, new in _RENAMED.items():
        if key.startswith(old):
            key = new + key.removeprefix(old)
    if key.startswith(_IMAGE_SIDE):
        return _IMAGE_SIDE + timm_key(key.removeprefix(_IMAGE_SIDE))
    return key


def _fitting(weights: Weights, own: Mapping[str, Tensor]) -> Weights:
    """Weights whose tables of relative positions are resampled to the window's size."""
    state, sizes, moved = dict(weights.state), set(), 0
    for key, table in weights.state.items():
        rows = len(own[key]) if key.endswith(TABLE) else 0
        if rows and table.dim() == 2 and len(table) != rows and is_square_grid(len(table)):
            state[key] = resampled(table, rows)
            sizes.add(f"tables of {len(table)} rows made {rows}")
            moved += 1
    said = [f"{moved} tables of relative positions resampled: {', '.join(sorted(sizes))}"] if moved else []
    return weights.having(state, *said)
