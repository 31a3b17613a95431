"""Method: how features become scores. Zero-shot leaves that to the model."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from vlbench.core.code_digest import digest_of_code
from vlbench.core.digest import digest_of
from vlbench.core.errors import PluginError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vlbench.core.contracts import Prediction
    from vlbench.core.problem import Problem

    Vectors = NDArray[np.float32]

HeadPart = Literal["compose", "score", "thresholds"]
SplitName = Literal["train", "validation"]
Side = Literal["candidates", "queries"]
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Split:
    """A data split that a method learns from. Vectors and predictions are computed when they are called.

    `vectors()` returns the candidates' vectors [n, d], not normalised. `prediction()` returns what the task's
    scoring keeps of the model's own scores.
    """

    problem: "Problem"
    vectors: "Callable[[], Vectors]"
    prediction: "Callable[[], Prediction]"


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a method learns from: splits by name, vectors of the queries' words [m, d], a seed and a device.

    >>> import numpy as np
    >>> Lesson(splits={}, words=lambda: np.zeros((2, 8))).words().shape
    (2, 8)
    """

    splits: Mapping[str, Split]
    words: "Callable[[], Vectors]"
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class Head:
    """What a method learned. Where a part is missing, the model's own is used.

    `compose` makes one vector from the vectors of a reference image and of words, all [m, d]. `score` returns
    the scores [b, m] of candidates' vectors [b, d]. `thresholds` has one for each query, in the units that
    people state. `learned` names what was found or chosen: it is printed, and stored in the result.

    >>> import numpy as np
    >>> head = Head(score=lambda vectors: vectors @ np.eye(2, 3), learned={"images": 4})
    >>> head.score(np.ones((5, 2))).shape
    (5, 3)
    """

    compose: "Callable[[Vectors, Vectors], Vectors] | None" = None
    score: "Callable[[Vectors], Vectors] | None" = None
    thresholds: tuple[float | None, ...] | None = None
    learned: "Mapping[str, str | int | float]" = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Method:
    """A way to answer a question. A `vlbench.methods` entry point names a function that makes one.

    `fit` returns a head that has exactly the `parts`. `settings` are those that differ from the defaults; of
    these, `shots` appears in a row's name. `learns_from` names splits; a method that learns is not zero-shot.
    `reads` names the sides that are encoded, `needs` the capabilities that a model must have. `metrics` are
    measured besides the task's. `rewrite` changes the queries before anything is planned; right pairs, asked
    pairs and their order stay. `suits` raises Unsupported where the method cannot learn from the splits,
    before anything is loaded. `seeded` tells whether the seed changes what is learned.

    Raises:
        PluginError: the name cannot be part of a row's name, or one of the sets holds an unknown word.
    """

    name: str
    fit: Callable[[Lesson], Head] | None = None
    parts: frozenset[HeadPart] = frozenset()
    settings: Mapping[str, Any] = field(default_factory=dict)
    learns_from: frozenset[SplitName] = frozenset()
    reads: frozenset[Side] = frozenset({"candidates", "queries"})
    needs: frozenset[str] = frozenset()
    metrics: tuple[str, ...] = ()
    rewrite: "Callable[[Problem], Problem] | None" = None
    suits: "Callable[[Mapping[SplitName, Problem]], None] | None" = None
    seeded: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w-]+", self.name):
            raise PluginError(
                f"method {self.name!r}: its name becomes part of row names; use only letters, digits, - and _"
            )
        for what, known in (("parts", HeadPart), ("learns_from", SplitName), ("reads", Side)):
            words = get_args(known)
            odd = sorted(getattr(self, what) - set(words))
            if odd:
                raise PluginError(
                    f"method {self.name!r}: its {what} contains {odd[0]!r}; it may contain {', '.join(words)}"
                )

    @property
    def digest(self) -> str:
        """Digest of the name, the settings and the code."""
        functions: list[Callable[..., object]] = [each for each in (self.fit, self.rewrite) if each]
        return digest_of([self.name, dict(self.settings), digest_of_code(*functions)])

    @property
    def spelling(self) -> str:
        """The name with its settings, as a user writes it.

        >>> Method("ridge", settings={"shots": 4, "penalties": [1, 10]}).spelling
        'ridge:shots=4,penalties=[1,10]'
        """
        stated = [
            f"{name}={value if isinstance(value, str) else json.dumps(value, separators=(',', ':'))}"
            for name, value in self.settings.items()
        ]
        return ":".join(filter(None, [self.name, ",".join(stated)]))

    def mark(self, seed: int | None = None) -> str:
        """The suffix of a model's name in its row: `+best-f1`, `+ridge@4~3fa2c1.s1`; empty for zero-shot.

        Without a seed, it names all seeds together.

        >>> Method("ridge", parts=frozenset({"score"}), settings={"shots": 4}, seeded=True).mark(1)
        '+ridge@4.s1'
        """
        mark = ""
        if self.parts or self.metrics or self.rewrite is not None:
            others = {name: value for name, value in self.settings.items() if name != "shots"}
            shots = f"@{self.settings['shots']}" if "shots" in self.settings else ""
            mark = f"+{self.name}{shots}" + (f"~{digest_of(others)[:_DIGITS]}" if others else "")
        return mark + (f".s{seed}" if self.seeded and seed is not None else "")


ZERO_SHOT = Method("zero-shot")
"""The method that fits nothing: scores are the model's own."""
