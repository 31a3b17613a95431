"""REACT's recipe as numbers: Liu et al. 2023, section 4.1, and the commands in its authors' repository."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal, TypedDict, get_args

from vlbench.core.errors import VlbenchError

Mode = Literal["gated-image", "locked-text"]
"""What learns besides the scale of the scores: new gated blocks alone, or the whole image tower."""
Augmentation = Literal["full", "crop", "none"]
"""`full`: the authors'; `crop`: its random crops and flips alone; `none`: images as `run` sees them."""

MODES: tuple[Mode, ...] = get_args(Mode)
AUGMENTATIONS: tuple[Augmentation, ...] = get_args(Augmentation)
RATES: Mapping[Mode, float] = {"gated-image": 5e-4, "locked-text": 5e-5}
"""The highest learning rate of each mode."""

LARGEST_SCALE = math.log(100)
"""The largest logarithm of the scale; the smallest is 0."""
GATE_MARK = "gated_attn_block"
"""What the names of all tensors of gated blocks hold."""
_UNDECAYED = ("bn", "ln", "bias", "logit_scale")


@dataclass(frozen=True, slots=True)
class ReactRecipe:
    """How a model is tuned on pairs; the defaults are the authors'.

    A step has `batch_size` pairs; a smaller last batch is dropped unless it is the only one. `rate` is the
    highest learning rate, None for the mode's. `gated_layers` counts the last image layers that get a block.
    """

    mode: Mode
    epochs: int = 32
    seed: int = 1
    batch_size: int = 4096
    rate: float | None = None
    warm_up: int = 5000
    gated_layers: int = 6
    augmentation: Augmentation = "full"
    weight_decay: float = 0.1
    betas: tuple[float, float] = field(default=(0.9, 0.98))
    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("warm_up", 0), ("gated_layers", 1)):
            if getattr(self, name) < least:
                raise VlbenchError(f"{name} is {getattr(self, name)}; give {least} or more")
        for name, known in (("mode", MODES), ("augmentation", AUGMENTATIONS)):
            if getattr(self, name) not in known:
                raise VlbenchError(f"{name} is {getattr(self, name)!r}; give one of {', '.join(known)}")
        if not 0 < self.highest_rate < math.inf:
            raise VlbenchError(f"rate is {self.rate}; give a number above 0")

    @property
    def highest_rate(self) -> float:
        """The learning rate after warm-up."""
        return RATES[self.mode] if self.rate is None else self.rate

    def as_facts(self) -> Mapping[str, object]:
        """All numbers, for a key and for the log."""
        return {**asdict(self), "rate": self.highest_rate}

    def learns(self, name: str) -> bool:
        """Whether the parameter of this name in open_clip's model learns."""
        own = GATE_MARK in name if self.mode == "gated-image" else name.startswith("visual.")
        return own or name == "logit_scale"


def steps_of(recipe: ReactRecipe, pairs: int) -> int:
    """The steps of a fit on so many pairs.

    Raises:
        VlbenchError: they end before the warm-up does.

    >>> steps_of(ReactRecipe("gated-image"), 8_530_639)
    66624
    """
    steps = recipe.epochs * max(1, pairs // recipe.batch_size)
    if steps <= recipe.warm_up:
        raise VlbenchError(
            f"{pairs} pairs in batches of {recipe.batch_size} make {steps} steps in {recipe.epochs} epochs, "
            f"and the learning rate rises for {recipe.warm_up}; give a lower --warm-up, a smaller "
            "--batch-size or more --epochs"
        )
    return steps


def learning_rate(step: int, steps: int, recipe: ReactRecipe) -> float:
    """The learning rate of a step, counted from 0: it rises in a line, then falls along a cosine."""
    if step < recipe.warm_up:
        return recipe.highest_rate * (step + 1) / recipe.warm_up
    done = (step - recipe.warm_up) / (steps - recipe.warm_up)
    return recipe.highest_rate * (1 + math.cos(math.pi * done)) / 2


def is_decayed(name: str, axes: int) -> bool:
    """Whether weight decay acts on the parameter of this name.

    >>> is_decayed("visual.proj", 2), is_decayed("visual.bn1.weight", 4), is_decayed("visual.x", 1)
    (True, False, False)
    """
    return axes > 1 and not any(mark in name for mark in _UNDECAYED)


class ReactOptions(TypedDict, total=False):
    """The fields of a ReactRecipe that a user may change."""

    epochs: int
    batch_size: int
    rate: float | None
    warm_up: int
    gated_layers: int
    augmentation: Literal["full", "crop", "none"]
    weight_decay: float
