"""Taggers filled with the authors' files: only what is needed is read, and nothing needed may be missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

import torch
from torch import Tensor

from vlbench.adapters.checkpoint_layout import StateDict, Weights, listed, within
from vlbench.adapters.dual_encoder import Normalisation
from vlbench.adapters.foreign_keys import advice
from vlbench.adapters.networks.relative_positions import is_square_grid, resampled
from vlbench.adapters.networks.swin import TABLE, timm_key
from vlbench.adapters.networks.taggers import Ram, RamPlus, Tag2Text, Tagger
from vlbench.adapters.precision import check_placement
from vlbench.adapters.ram_checkpoint import TaggerSettings
from vlbench.adapters.ram_model import (
    ClosedRamModel,
    ClosedTaggerModel,
    OpenRamModel,
    TaggerModel,
    squash_preprocess,
)
from vlbench.adapters.ram_size import TaggerSize
from vlbench.adapters.ram_texts import ListedTags, ReadTags, tags_of, text_tower
from vlbench.adapters.recipe import Recipe
from vlbench.adapters.weight_values import check_values, in_float32
from vlbench.adapters.weights import read_weights
from vlbench.core.contracts import Checkpoint, ModelInfo, Placement, PreprocessMode, ScoreUnit
from vlbench.core.errors import WeightsError

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


def load_tagger(
    settings: TaggerSettings,
    recipe: Recipe,
    *,
    name: str,
    placement: Placement,
    preprocess: PreprocessMode,
    text_base: Checkpoint | None,
) -> TaggerModel:
    """A tagger on a device, its parameters in float32.

    Raises:
        WeightsError: the file cannot be read, or a key is missing, unexpected or of another shape.
        CardError: the tag list is wrong.
        Unsupported: the device or precision is not there, or the text model has no tower that fits.
    """
    check_placement(placement)
    size = settings.network
    tags = tags_of(settings) if settings.vocabulary == "closed" else ()
    filled = read_tagger(settings, recipe.weights, tags=len(tags))
    parameters = sum(each.numel() for each in filled.network.parameters())
    info = ModelInfo(
        name=name,
        unit=ScoreUnit("probability"),
        image_size=recipe.preprocessing.size,
        parameters=parameters + (0 if filled.bank is None else filled.bank.numel()),
        feature_shape=(size.tokens, size.width if settings.family == "tag2text" else size.token_width),
        changes=filled.changes,
    )
    parts = {
        "info": info,
        "preprocess": squash_preprocess(recipe.preprocessing, preprocess),
        "normalisation": Normalisation.on(
            placement.device, mean=recipe.preprocessing.mean, std=recipe.preprocessing.std
        ),
        "network": filled.network.to(placement.device),
        "placement": placement,
    }
    if filled.bank is None:
        assert text_base is not None
        base = text_base.load(placement)
        tower = text_tower(base, name=name, width=size.token_width)
        told = (*filled.changes, *(f"text model {text_base.name}: {each}" for each in base.info.changes))
        parts["info"] = replace(info, changes=told)
        return OpenRamModel(**parts, texts=ReadTags.of(settings, tower, name))  # type: ignore[arg-type]
    listed = ListedTags.of(settings, tags, bank=filled.bank, model=name, device=placement.device)
    kind = ClosedTaggerModel if settings.family == "tag2text" else ClosedRamModel
    return kind(**parts, texts=listed)  # type: ignore[arg-type]


def read_tagger(settings: TaggerSettings, weights: Path, *, tags: int) -> Filled:
    """The network of a file on the CPU, mapped from it where its format allows; `tags` counts the list.

    What else lies in the file (the optimizer's state is twice the weights) is mapped and never read.

    Raises:
        WeightsError: the file cannot be read, or a key is missing, unexpected or of another shape.
    """
    read = state_of(weights)
    with torch.device("meta"):
        network = NETWORKS[settings.family](settings.network)
    own = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    embedded = bank_shapes(settings, tags)
    closed = settings.vocabulary == "closed"
    wanted = {**own, **(embedded if closed else {})}
    ignored = (*_COMPUTED, *settings.ignorable, *(() if closed else embedded))
    check_keys(read.state, wanted, weights, ignored)
    kept = in_float32(read.having({key: read.state[key] for key in wanted}))
    kept = _fitting(kept, wanted)
    check_shapes(kept.state, wanted, weights)
    check_values(kept, kept.state)
    network.load_state_dict({key: kept.state[key] for key in own}, assign=True)
    bank = _bank(settings, kept.state) if closed else None
    left = [key for key in read.state if key not in wanted]
    computed = [key for key in left if any(fnmatch(key, pattern) for pattern in _COMPUTED)]
    tags_of_its_own = [key for key in left if key in embedded]
    unread = [key for key in left if key not in computed and key not in embedded]
    said = [listed(f"{len(computed)} buffers that the sizes decide not read", computed)] if computed else []
    said += (
        [listed("tags of its own not read, in open vocabulary", tags_of_its_own)] if tags_of_its_own else []
    )
    said += [listed(f"{len(unread)} tensors not read, as the card says", unread)] if unread else []
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


def _fitting(weights: Weights, shapes: Mapping[str, tuple[int, ...]]) -> Weights:
    """Weights whose tables of relative positions are resampled to the window's size."""
    state = {
        key: resampled(value, shapes[key][0])
        if key.endswith(TABLE) and value.dim() == 2 and is_square_grid(len(value))
        else value
        for key, value in weights.state.items()
    }
    moved = {key: value for key, value in state.items() if value.shape != weights.state[key].shape}
    sizes = {(len(weights.state[key]), len(value)) for key, value in moved.items()}
    said = [f"{len(moved)} tables of relative positions resampled"] if moved else []
    said += [f"tables of {old} rows made {new}" for old, new in sorted(sizes)]
    return weights.having(state, *([": ".join((said[0], ", ".join(said[1:])))] if said else []))


def check_keys(state: StateDict, wanted: Mapping[str, object], weights: Path, ignored: Sequence[str]) -> None:
    """Raise WeightsError unless a file has all wanted keys, and no other but those of ignored patterns."""
    missing = [key for key in wanted if key not in state]
    unexpected = [
        key for key in state if key not in wanted and not any(fnmatch(key, pattern) for pattern in ignored)
    ]
    problems = [listed(f"lacks {len(missing)} keys", missing)] if missing else []
    problems += [listed(f"has {len(unexpected)} unexpected keys", unexpected)] if unexpected else []
    if problems:
        raise WeightsError(f"{weights}: {' and '.join(problems)}; {advice(weights, unexpected, wanted)}")


def check_shapes(state: StateDict, wanted: Mapping[str, tuple[int, ...]], weights: Path) -> None:
    """Raise WeightsError unless the tensors are of the wanted shapes."""
    wrong = [
        f"{key} {tuple(state[key].shape)} instead of {shape}"
        for key, shape in wanted.items()
        if tuple(state[key].shape) != shape
    ]
    if wrong:
        raise WeightsError(
            f"{weights}: {listed(f'{len(wrong)} tensors of another shape', wrong)}; correct the card's "
            "`network` or its tag list"
        )
