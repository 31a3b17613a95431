"""CoOp's recipe as numbers: Zhou et al. 2022, Learning to Prompt for Vision-Language Models, section 4.1."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, TypedDict

from vlbench.core.errors import VlbenchError
from vlbench.core.outside_name import no_text

FeatureMode = Literal["augmented", "frozen"]
"""`augmented`: a new view of every image in every epoch; `frozen`: every image as `run` sees it."""

_EPOCHS_BY_SHOTS = {1: 50, 2: 100, 4: 100, 8: 200, 16: 200}
"""The epochs for a number of shots in the authors' scripts."""

_WARM_UP_RATE = 1e-5


@dataclass(frozen=True, slots=True)
class CoopRecipe:
    """How a context is learned; the defaults are the authors'.

    `n_ctx` is the number of context tokens; with words in `ctx_init`, it is theirs. `weight_decay` applies to
    the context. A step has `batch_size` images; a smaller last batch is dropped unless it is the only one.
    """

    epochs: int
    seed: int = 1
    shots: int = 16
    n_ctx: int = 16
    class_specific: bool = False
    position: Literal["end", "middle", "front"] = "end"
    ctx_init: str = ""
    features: FeatureMode = "augmented"
    batch_size: int = 32
    rate: float = 0.002
    momentum: float = 0.9
    weight_decay: float = 5e-4

    def __post_init__(self) -> None:
        for name in ("epochs", "shots", "n_ctx", "batch_size"):
            if getattr(self, name) < 1:
                raise VlbenchError(f"{name} is {getattr(self, name)}; give 1 or more")
        if wrong := no_text(self.ctx_init):
            raise VlbenchError(f"ctx_init: {wrong}")

    def as_facts(self) -> Mapping[str, str | int | float]:
        """All numbers, for the header of a context file."""
        return {key: value for key, value in asdict(self).items() if value != ""}


def learning_rate(epoch: int, recipe: CoopRecipe) -> float:
    """The learning rate of an epoch, counted from 0: one constant warm-up epoch, then a cosine.

    The warm-up epoch does not count for the cosine, so the last epoch is not at 0 (as in Dassl).
    """
    if epoch == 0:
        return _WARM_UP_RATE
    return recipe.rate * (1 + math.cos(math.pi * (epoch - 1) / recipe.epochs)) / 2


def default_epochs(shots: int) -> int:
    """The epochs for a number of shots; between published numbers, those of the next smaller one.

    >>> [default_epochs(shots) for shots in (1, 2, 3, 16, 32)]
    [50, 100, 100, 200, 200]
    """
    return _EPOCHS_BY_SHOTS[max(known for known in _EPOCHS_BY_SHOTS if known <= max(1, shots))]


class RecipeOptions(TypedDict, total=False):
    """The fields of a CoopRecipe that a user may change."""

    n_ctx: int
    class_specific: bool
    position: Literal["end", "middle", "front"]
    ctx_init: str
    features: Literal["augmented", "frozen"]
    batch_size: int
    epochs: int
