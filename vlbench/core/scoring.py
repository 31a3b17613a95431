"""Scoring: what is kept of a model's scores."""

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
"""What the first axis of an array counts: candidates, queries, right pairs or asked pairs."""


class ScorePass(Protocol):
    """The scores [n, m] of a problem in row blocks (start, stop, [rows, m]), with equal bits at every
    iteration.

    A pair that is not asked about scores -inf in a block. Blocks hold the candidates in an order of their
    own: `arranged` brings right pairs into that order, `restored` brings values of the candidates [n, ...]
    back from it. `single` tells whether there is only one block, `device` where the blocks are. `pairs`
    computes the scores [p] of some pairs without the others. `vectors` are the candidates' [n, d], not
    normalised. `alike` gives for each candidate or query the position of the first one with equal features:
    no score can tell these apart. `cut` tells which queries [m] the model truncates.
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
    """What a task keeps of the scores, as a `vlbench.scorings` entry point names it.

    `run` makes the arrays that `keeps` names. It imports torch; its module does not. `needs` are capabilities
    that a model must have. `suits` refuses a problem before anything is loaded; it gets the scoring's name
    for its message. `asked_alone` tells whether the arrays hold only pairs that are asked about; otherwise
    each metric has to read `asked` itself. `scores` tells whether it reads scores at all. `axes` tells what
    an array's first axis counts, where its length alone leaves that open. `listed_by` names the scoring whose
    arrays a table of predictions shows beside: it runs where such a table is asked for. Ties never help: the
    rank of a right candidate is 1 + the number of wrong ones whose score is at least as high.

    >>> from vlbench.core.registry import SCORINGS
    >>> sorted(SCORINGS.get("two_way_ranks").keeps)
    ['column_ranks', 'row_ranks']
    """

    name: str
    run: "Callable[[ScorePass, Problem], Mapping[str, NDArray[Any]]]"
    keeps: frozenset[str]
    needs: frozenset[str] = frozenset()
    suits: "Callable[[Problem, str], None] | None" = None
    asked_alone: bool = True
    scores: bool = True
    axes: Mapping[str, Axis] = field(default_factory=dict, hash=False)
    listed_by: str = ""
