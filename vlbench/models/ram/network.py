"""Networks of taggers filled with the authors' files: what is needed is read, and no more."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

import torch
from torch import Tensor

from vlbench.models.ram.relative_positions import is_square_grid, resampled
from vlbench.models.ram.settings import TaggerSettings, TaggerSize
from vlbench.models.ram.swin import TABLE, timm_key
from vlbench.models.ram.taggers import Ram, RamPlus, Tag2Text, Tagger
from vlbench.models.shared.weight_files import read_weights
from vlbench.models.shared.weights import StateDict, Weights, check_state, in_float32, listed, within

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


def read_tagger(settings: TaggerSettings, weights: Path, *, tags: int) -> Filled:
    """The network of a file on the CPU, mapped from it where its format allows; `tags` counts the list.

    What else lies in the file (the optimizer's state is twice the weights) is mapped and never read.

    Raises:
        WeightsError: the file cannot be read, or a key is missing, unexpected or of another shape.
    """
    read = state_of(weights)
    with torch.device("meta"):
        network = NETWORKS[settings.family](settings.network)
        banks = {key: torch.empty(shape) for key, shape in bank_shapes(settings, tags).items()}
    own = network.state_dict()
    closed = settings.vocabulary == "closed"
    wanted = {**own, **(banks if closed else {})}
    ignored = (*_COMPUTED, *settings.ignorable, *(() if closed else banks))
    unread = [key for key in read.state if any(fnmatch(key, pattern) for pattern in ignored)]
    found = in_float32(read.having({key: read.state[key] for key in wanted if key in read.state}))
    kept = _fitting(found, wanted)
    check_state(kept.having({**read.state, **kept.state}), wanted, unread=unread, mend=MEND)
    network.load_state_dict({key: kept.state[key] for key in own}, assign=True)
    bank = _bank(settings, kept.state) if closed else None
    left = [key for key in read.state if key not in wanted]
    computed = [key for key in left if any(fnmatch(key, pattern) for pattern in _COMPUTED)]
    tags_of_its_own = [key for key in left if key in banks]
    others = [key for key in left if key not in computed and key not in banks]
    said = [listed(f"{len(computed)} buffers that the sizes decide not read", computed)] if computed else []
    said += (
        [listed("tags of its own not read, in open vocabulary", tags_of_its_own)] if tags_of_its_own else []
    )
    said += [listed(f"{len(others)} tensors not read, as the card says", others)] if others else []
    filled = network.eval().requires_grad_(requires_grad=False)
    return Filled(filled, bank, (*kept.changes, *said))


def bank_shapes(settings: TaggerSettings, tags: int) -> dict[str, tuple[int, ...]]:
    """Keys and shapes of what a file's own tags are known by."""
    size = settings.network
    match settings.family:
        case "ram_plus":
            return {"label_embed": (tags * size.descriptions, size.token_width)}
        case "ram":
            return {"label_embed": (tags, size.token_width)}
        case "tag2text":
            return {
                "label_embed.weight": (tags, size.hidden),
                "fc.W": (1, tags, size.hidden),
                "fc.b": (1, tags),
            }


def _bank(settings: TaggerSettings, state: StateDict) -> Tensor:
    """RAM++ [n, k, 512], RAM [n, 512], Tag2Text [n, 2 * hidden + 1]: query, output weights, bias."""
    size: TaggerSize = settings.network
    match settings.family:
        case "ram_plus":
            return state["label_embed"].view(-1, size.descriptions, size.token_width)
        case "ram":
            return state["label_embed"]
        case "tag2text":
            parts = state["label_embed.weight"], state["fc.W"][0], state["fc.b"].T
            return torch.cat(parts, dim=1)


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
    state = {
        key: resampled(value, len(own[key]))
        if key.endswith(TABLE) and value.dim() == 2 and is_square_grid(len(value))
        else value
        for key, value in weights.state.items()
    }
    moved = {key: value for key, value in state.items() if value.shape != weights.state[key].shape}
    sizes = {(len(weights.state[key]), len(value)) for key, value in moved.items()}
    said = [f"{len(moved)} tables of relative positions resampled"] if moved else []
    said += [f"tables of {old} rows made {new}" for old, new in sorted(sizes)]
    return weights.having(state, *([": ".join((said[0], ", ".join(said[1:])))] if said else []))
