"""Networks of taggers, filled from the authors' files. Only what is needed is read."""

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
"""What to do if a tensor has another shape."""

NETWORKS: Mapping[str, type[Ram | RamPlus | Tag2Text]] = {
    "ram_plus": RamPlus,
    "ram": Ram,
    "tag2text": Tag2Text,
}

_COMPUTED = ("*.relative_position_index", "*.attn_mask")
"""Buffers that follow from the sizes."""

_RENAMED = {"vision_multi.": "tagging_head."}
"""Older names of parts of a network."""

_IMAGE_SIDE = "visual_encoder."
_ANCHOR = "visual_encoder.patch_embed.proj.weight"
"""A tensor that every tagger has, by which a tagger is found among other networks."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A network with its weights, and the features of its own tags; None for an open vocabulary."""

    network: Tagger
    bank: Tensor | None
    changes: tuple[str, ...] = ()


def read_tagger(
    family: str, size: TaggerSize, weights: Path, *, tags: int | None, ignorable: Sequence[str]
) -> Filled:
    """The network in a file, on the CPU, memory-mapped if the format allows it.

    `tags` is the number of tags; None means an open vocabulary. `ignorable` are patterns for keys that the
    network does not have. Other parts of the file are never read (the state of the optimizer is twice as
    large as the weights).

    Raises:
        WeightsError: the file cannot be read, or a key is missing, unexpected or has another shape.
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
    """The state dict of a file, with the names of the networks here.

    Raises:
        WeightsError: the file cannot be read, or has no state dict.
    """
    weights = within(read_weights(path), (_ANCHOR,))
    return replace(weights, state={_renamed(key): value for key, value in weights.state.items()})


def _renamed(key: str) -> str:
    """The name of a published key in the networks here."""
    for old, new in _RENAMED.items():
        if key.startswith(old):
            key = new + key.removeprefix(old)
    if key.startswith(_IMAGE_SIDE):
        return _IMAGE_SIDE + timm_key(key.removeprefix(_IMAGE_SIDE))
    return key


def _fitting(weights: Weights, own: Mapping[str, Tensor]) -> Weights:
    """Resample the tables of relative positions in weights to the size of the window."""
    state, sizes, moved = dict(weights.state), set(), 0
    for key, table in weights.state.items():
        rows = len(own[key]) if key.endswith(TABLE) else 0
        if rows and table.dim() == 2 and len(table) != rows and is_square_grid(len(table)):
            state[key] = resampled(table, rows)
            sizes.add(f"tables of {len(table)} rows made {rows}")
            moved += 1
    said = [f"{moved} tables of relative positions resampled: {', '.join(sorted(sizes))}"] if moved else []
    return weights.having(state, *said)
