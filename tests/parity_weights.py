"""The rule that fills models and inputs of the parity fixtures with equal numbers everywhere."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

FIXTURES = Path(__file__).parent / "fixtures"


def normal(name: str, shape: Sequence[int]) -> NDArray[np.float64]:
    """Standard normal numbers, seeded by a name."""
    seed = int.from_bytes(sha256(name.encode("utf-8")).digest()[:8], "little")
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(tuple(shape))


def value(name: str, shape: Sequence[int], *, offset: float = 0.0, scale: float = 1.0) -> Tensor:
    """The tensor of a name: (offset + scale * normal) computed in float64, rounded to float32."""
    return torch.from_numpy(np.asarray(offset + scale * normal(name, shape), dtype=np.float32))


def layout(path: Path) -> Mapping[str, Any]:
    """A `*.weights.json`: `meta`, and `tensors` as [key, shape, dtype, rule] in state-dict order."""
    content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def state_dict(path: Path) -> dict[str, Tensor]:
    """The state dict of a `*.weights.json`, apart from buffers that the architecture computes."""
    state: dict[str, Tensor] = {}
    tied: dict[str, str] = {}
    for key, shape, _, rule in layout(path)["tensors"]:
        match rule["kind"]:
            case "normal":
                state[key] = value(key, shape, offset=rule["offset"], scale=rule["scale"])
            case "const":
                state[key] = torch.full(tuple(shape), rule["value"])
            case "tied":
                tied[key] = rule["to"]  # which may come later
            case kind:
                assert kind == "computed", kind
    return {**state, **{key: state[other] for key, other in tied.items()}}
