"""Scoring: what is kept of a model's scores, as a value."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from vlbench.core.problem import Problem
    from vlbench.core.relevance import Relevance

    Number = TypeVar("Number", bound=np.generic)


class ScorePass(Protocol):
    """The scores [n, m] of a problem in row blocks (start, stop, [rows, m]), equal bits at every iteration.

    Blocks hold the images in an order of their own: `arranged` brings right pairs into it, `restored` what
    was found of the images [n, ...] out of it. `single` says whether one block is all, `device` where it is.
    """

    @property
    def device(self) -> str: ...
    @property
    def single(self) -> bool: ...
    def __iter__(self) -> "Iterator[tuple[int, int, Tensor]]": ...
    def arranged(self, relevant: "Relevance") -> "Relevance": ...
    def restored(self, values: "NDArray[Number]") -> "NDArray[Number]": ...


@dataclass(frozen=True, slots=True)
class Scoring:
    """What a task keeps of the scores; what `vlbench.scorings` entry points name.

    `run` makes the arrays that `keeps` names; it imports torch, its module does not. `needs` are capabilities
    that a model has to have. Ties never help: the rank of a right candidate is 1 + the number of wrong ones
    whose score is at least as high.
    """

    name: str
    run: "Callable[[ScorePass, Problem], Mapping[str, NDArray[Any]]]"
    keeps: frozenset[str]
    needs: frozenset[str] = frozenset()
