"""Which tags of an image are chosen: those above their thresholds, the best few, or both."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vlbench.cards.thresholds import read_thresholds
from vlbench.core.capabilities import DecidesTags
from vlbench.core.contracts import Model, ScoreUnit, Text
from vlbench.core.errors import Unsupported, VlbenchError

if TYPE_CHECKING:
    from torch import Tensor

DEFAULT_TOP_K = 5
"""How many tags are chosen for a model without thresholds, such as a dual encoder."""
_LOWEST = {"cosine": -1.0, "probability": 0.0}

Threshold = float | Path | Literal["auto"] | None
"""One number, a file with one for each tag, or the model's own (`auto`); None means not stated."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Thresholds of the texts [m] in the unit of the scores (None: none), and the most tags per image."""

    unit: ScoreUnit
    thresholds: tuple[float, ...] | None
    top_k: int | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A text's position and its score in the model's unit: a cosine or a probability."""

    position: int
    score: float


def choice_for(
    model: Model, texts: Sequence[Text], *, threshold: Threshold = None, top_k: int | None = None
) -> Choice:
    """The choice that the user asked for; by default the model's own thresholds, else the best five.

    Raises:
        VlbenchError: a threshold is out of range, or the file is wrong.
        Unsupported: `auto` is stated and the model has no thresholds.
    """
    unit = model.info.unit
    if threshold is None and top_k is None:
        if not isinstance(model, DecidesTags):
            return Choice(unit, None, DEFAULT_TOP_K)
        threshold = "auto"
    if threshold is None:
        return Choice(unit, None, top_k)
    if threshold == "auto":
        if not isinstance(model, DecidesTags):
            raise Unsupported(
                f"--threshold auto: {model.info.name} has no thresholds of its own; give a {unit.kind}, "
                "or --top-k"
            )
        return Choice(unit, tuple(model.tag_thresholds(texts)), top_k)
    asked = read_thresholds(str(threshold), texts)
    outside = [value for value in asked if not _LOWEST[unit.kind] <= value <= 1]
    if outside:
        raise VlbenchError(
            f"--threshold {outside[0]:g}: {model.info.name} states a {unit.kind}; give a number from "
            f"{_LOWEST[unit.kind]:g} to 1"
        )
    return Choice(unit, asked, top_k)


def choose(scores: "Tensor", choice: Choice) -> list[list[Chosen]]:
    """Choose texts for each image by scores [b, m], best first; of equal scores, the earlier text first.

    A tag is chosen strictly above its threshold, as in RAM's code (ram/models/ram.py, generate_tag).
    """
    import numpy as np
    import torch

    # by score, not by what is stated: probabilities near 1 are equal in float32
    ordered, order = scores.float().sort(dim=1, descending=True, stable=True)  # [b, m]
    unit = choice.unit
    # what people state: cosines, or probabilities of logits
    stated = ordered.sigmoid() if unit.kind == "probability" else (ordered - unit.bias) / unit.scale
    kept = torch.ones_like(stated, dtype=torch.bool)
    if choice.thresholds is not None:
        kept = stated > torch.tensor(choice.thresholds, dtype=stated.dtype, device=stated.device)[order]
    positions, values, keeps = (each.cpu().numpy() for each in (order, stated, kept))
    return [
        [Chosen(int(positions[row, i]), float(values[row, i])) for i in np.flatnonzero(keep)[: choice.top_k]]
        for row, keep in enumerate(keeps)
    ]
