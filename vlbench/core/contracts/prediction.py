"""What is kept of a model's scores, and their unit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ScoreUnit:
    """How a threshold becomes a score: a cosine (dual encoders) times scale plus bias, or a probability's
    logit.

    >>> ScoreUnit("cosine", scale=100.0).scale
    100.0
    """

    kind: Literal["cosine", "probability"]
    scale: float = 1.0
    bias: float = 0.0


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a scoring keeps of a model's scores: arrays by name, such as `prediction["row_ranks"]`.

    Each scoring documents its arrays (vlbench/scorings). `thresholds` [m], where there are any, are the
    task's, else the model's own, in the units that people state (a probability).
    """

    unit: ScoreUnit
    arrays: Mapping[str, "NDArray[Any]"] = field(default_factory=dict)

    def __getitem__(self, name: str) -> "NDArray[Any]":
        return self.arrays[name]

    def get(self, name: str) -> "NDArray[Any] | None":
        """The array with this name; None where the scoring does not keep it."""
        return self.arrays.get(name)

    def under(self, thresholds: Sequence[float | None]) -> "Prediction":
        """The same prediction with thresholds, one for each text, in the units that people state.

        >>> Prediction(ScoreUnit("cosine")).under([0.25, 0.5])["thresholds"]
        array([0.25, 0.5 ])
        """
        import numpy as np

        return Prediction(self.unit, {**self.arrays, "thresholds": np.array(thresholds, dtype=np.float64)})
