"""Scoring: what is kept of a model's scores, as a value."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from vlbench.core.problem import Problem
    from vlbench.core.relevance import Relevance

    Number = TypeVar("Number", bound=np.generic)


Axis = Literal["candidates", "queries", "right", "asked"]
"""What an array has a value of: each candidate or query, each right or asked pair."""


class ScorePass(Protocol):
    """The scores [n, m] of a problem in row blocks (start, stop, [rows, m]), equal bits at every iteration.

    A pair that is not asked about scores -inf in a block. Blocks hold the candidates in an order of their
    own: `arranged` brings right pairs into it, `restored` what was found of the candidates [n, ...] out of
    it. `single` says whether one block is all, `device` where it is. `pairs` are the scores [p] of some pairs
    alone, at their cost alone. `vectors` are the candidates', [n, d], as long as the model makes them.
    `alike` says of each candidate or query which is the first of equal features, by its position: nothing
    can tell those apart. `cut` says of which queries [m] a model does not read all words.
    """

    @property
    def device(self) -> str: ...
    @property
    def single(self) -> bool: ...
    def __iter__(self) -> "Iterator[tuple[int, int, Tensor]]": ...
    def arranged(self, relevant: "Relevance") -> "Relevance": ...
    def restored(self, values: "NDArray[Number]") -> "NDArray[Number]": ...
    def pairs(self, asked: "Relevance") -> "NDArray[np.float32]": ...
    def vectors(self) -> "NDArray[np.float32]": ...
    def alike(self, side: Literal["candidates", "queries"]) -> "NDArray[np.int64]": ...
    def cut(self) -> "NDArray[np.bool_]": ...


@dataclass(frozen=True, slots=True)
class Scoring:
    """What a task keeps of the scores; what `vlbench.scorings` entry points name.

    `run` makes the arrays that `keeps` names; it imports torch, its module does not. `needs` are capabilities
    that a model has to have. `suits` refuses a problem, by the scoring's name, before anything is loaded.
    `asked_alone` says whether the arrays are of pairs that are asked about alone; else each metric has to
    read `asked` itself. `scores` says whether it reads scores at all. `axes` say what arrays are of, where
    their length may be that of others too. Ties never help: the rank of a right
    candidate is 1 + the number of wrong ones whose score is at least as high.
    """

    name: str
    run: "Callable[[ScorePass, Problem], Mapping[str, NDArray[Any]]]"
    keeps: frozenset[str]
    needs: frozenset[str] = frozenset()
    suits: "Callable[[Problem, str], None] | None" = None
    asked_alone: bool = True
    scores: bool = True
    axes: Mapping[str, Axis] = field(default_factory=dict, hash=False)
