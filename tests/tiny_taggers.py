"""The parity fixtures' tiny RAM++, RAM and Tag2Text, written to a folder with their lists of tags."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from parity_weights import FIXTURES, layout, state_dict
from torch import Tensor

from vlbench.core.contracts import Origin
from vlbench.core.registry import ADAPTERS
from vlbench.models.ram.checkpoint import TaggerCheckpoint
from vlbench.models.ram.sizes import TaggerSize

RAM = FIXTURES / "ram"
FAMILIES = ("ram_plus", "ram", "tag2text")
TINY = TaggerSize(
    image_size=224,
    embed_dim=32,
    depths=(2, 2, 2, 2),
    heads=(1, 2, 4, 8),
    window=7,
    hidden=64,
    intermediate=256,
)
CAPTIONS = ("tag_encoder.*", "text_decoder.*")
"""Keys that tagging has no use for."""


def tiny_state(family: str) -> dict[str, Tensor]:
    """The state dict as the authors' constructors lay it out."""
    return dict(_drawn(family))


@cache
def _drawn(family: str) -> dict[str, Tensor]:
    return state_dict(RAM / f"tiny_{family}.weights.json")


def tagging_state(family: str) -> dict[str, Tensor]:
    """The part of it that tagging needs."""
    unused = tuple(pattern.rstrip("*") for pattern in CAPTIONS)
    return {key: value for key, value in tiny_state(family).items() if not key.startswith(unused)}


def fixture_tags(family: str) -> list[str]:
    tags: list[str] = layout(RAM / f"tiny_{family}.weights.json")["meta"]["tags"]
    return tags


def write_tags(folder: Path, names: Sequence[str], thresholds: Sequence[float]) -> str:
    """A list of tags in a folder; the answer is its name."""
    rows = [f"{i}\t{name}\t{t}" for i, (name, t) in enumerate(zip(names, thresholds, strict=True))]
    (folder / "tags.tsv").write_text("\n".join(["index\tname\tthreshold", *rows, ""]), encoding="utf-8")
    return "tags.tsv"


def write_published(path: Path, state: dict[str, Tensor]) -> Path:
    """A file as the authors publish theirs, with an optimizer's state beside the model."""
    optimizer = {"state": {0: {"exp_avg": torch.zeros(4), "step": 3}}, "param_groups": [{"lr": 1e-4}]}
    torch.save({"model": state, "optimizer": optimizer, "epoch": 1}, path)
    return path


def open_tagger(family: str, origin: Origin, **settings: object) -> TaggerCheckpoint:
    """A tiny tagger whose card lies in the origin's folder."""
    checkpoint = ADAPTERS.get(family)(
        origin, **{"network": TINY, "tags": "tags.tsv", "ignorable": CAPTIONS, **settings}
    )
    assert isinstance(checkpoint, TaggerCheckpoint)
    return checkpoint
